"""The training of one network: epochs with a checkpoint after each, and what comes of them.

Every random number of a step comes from the seed and the place of the step, so a checkpoint holds
no random state, and a training that was interrupted ends with the digits of one that was not.
"""

from dataclasses import replace
from pathlib import Path
from signal import SIGTERM

import torch
from torch import Tensor, nn

from nago.data.images import LabelledImages
from nago.records import RecordError, UserError
from nago.training.batch import probe_batch
from nago.training.checkpoint import (
    State,
    name_run,
    read_checkpoint,
    read_state,
    write_checkpoint,
)
from nago.training.device import (
    choose_device,
    compile_network,
    is_out_of_memory,
    keep_memory,
    reproducible,
)
from nago.training.epoch import SMALLEST_BATCH, train_epoch
from nago.training.evaluation import Tally, evaluate
from nago.training.interruption import InterruptedTraining, Interruption, listen
from nago.training.optimiser import MomentumSGD, choose_peak, schedule
from nago.training.outcome import CurveRow, DivergedError, Outcome, check_finite
from nago.training.progress import Progress
from nago.training.run import Run
from nago.training.standing import Position, Standing
from nago.training.stopwatch import Stopwatch, TimedOutError
from nago.training.team import Poll, share_network

STOP, TIME_IS_UP = 1, 2
"""What a process of a team may say after a step, beside 0; the largest of all counts."""


def train_network(
    network: nn.Module, train: LabelledImages, validation: LabelledImages | None, run: Run
) -> Outcome:
    """Train a network and return what came of it; it then has the last weights.

    Goes on from the checkpoint, if there is one. When the memory is full, the batch is halved,
    the learning rate with it, and the training goes on from the checkpoint. On SIGTERM or SIGINT
    it ends after the step, once it has saved where it stands; so it does, with an outcome, when
    it has taken longer than it may.

    Args:
        network: (N, C, H, W) float32 to logits (N, classes).
        train: the images to learn from.
        validation: images for the error of each epoch, None to do without.
        run: all else.

    Raises:
        UserError: the run cannot be: its budget, batch size or device.
        RecordError: the training to be continued left no state, or one of another network.
        InterruptedTraining: a signal came.
    """
    smallest = SMALLEST_BATCH * run.team.size
    if run.budget < 1 or run.settings.batch_size < smallest:
        raise UserError(
            f"budget must be 1 or more and batch_size {smallest} or more,"
            f" got {run.budget} and {run.settings.batch_size}"
        )
    device = choose_device(run.device, run.team.place)
    layout = torch.channels_last if run.settings.channels_last else torch.contiguous_format
    if device.type == "cpu":
        keep_memory()
    network.to(device)
    network.to(memory_format=layout)
    workers = max(1, run.workers)
    images = train.to(device, workers)
    held_out = None if validation is None else validation.to(device, workers)
    with reproducible(device, run.settings.threads), listen() as interruption:
        return _Training(network, images, held_out, run, interruption).finish()


class _Training:
    """A network under training, with what belongs to it, all on one device."""

    def __init__(
        self,
        network: nn.Module,
        train: LabelledImages,
        validation: LabelledImages | None,
        run: Run,
        interruption: Interruption,
    ) -> None:
        self.network, self.train, self.validation, self.run = network, train, validation, run
        self.interruption, self.poll = interruption, Poll(run.team)
        self.device = train.labels.device
        self.fingerprint = name_run(network, run)
        self.optimiser = MomentumSGD(network.parameters(), run.settings)
        self.stopwatch = Stopwatch(run.most_seconds)
        self.log = Progress(run.budget, len(train), self._report)
        self.standing = self._begin()
        # Only now: a process that tries how large a batch may be must not wait for the others.
        self.trained = share_network(network, run.team, run.settings.synchronise_norm)
        if run.settings.compile:
            self.trained = compile_network(self.trained)

    def finish(self) -> Outcome:
        """Train until the budget is used up, or until no more can be done."""
        if self._was_over() and self.standing.epoch < self.run.budget:
            return self._time_out()
        while self.standing.epoch < self.run.budget:
            try:
                row = self._try_epoch()
                if row is not None:
                    self._end_epoch(row)
                    continue
            except DivergedError as error:
                return self._outcome("diverged", str(error))
            except TimedOutError:
                return self._time_out()
            batch_size = self.standing.batch_size
            if batch_size // 2 < SMALLEST_BATCH:
                return self._outcome("out_of_memory", f"no memory for a batch of {batch_size}")
            self._halve_batch()
        return self._outcome("ok", None)

    def _begin(self) -> Standing:
        """Load the checkpoint, or else the state to continue, or else begin."""
        state = read_checkpoint(self.run.checkpoint, self.fingerprint, self._report)
        if state is not None:
            self.stopwatch.go_on(state)
            self.standing = self._restore(state)
            self._report(f"goes on after {self.standing.position.describe(self.run.budget)}")
            self.run.team.await_all()
            self._save()  # so that this run counts, too, should it be killed before it saves more
            return self.standing
        epoch = 0
        if self.run.start is not None:
            epoch = self._take_over(self.run.start)
            self._report(f"continues {self.run.start} after epoch {epoch}/{self.run.budget}")
        self.standing = Standing(epoch, Position(epoch), self._find_batch())
        self.run.team.await_all()  # until all have read what is there
        self._save()  # where to go back to if the first epoch finds the memory full
        return self.standing

    def _find_batch(self) -> int:
        """Return the largest batch that a GPU has memory for, the settings' or less."""
        batch_size = self.run.settings.batch_size
        if self.device.type != "cuda":
            return batch_size
        found = probe_batch(self.network, self.train, self.run.settings, batch_size)
        found = self.run.team.least(found)
        if found < batch_size:
            self._report(f"memory for a batch of {found}, not {batch_size}")
        return found

    def _take_over(self, path: Path) -> int:
        """Load the weights and momentum of another training; return its epochs."""
        state = read_state(path)
        epochs: int = state["epoch"]
        if epochs >= self.run.budget:
            raise UserError(
                f"budget must be more than the {epochs} epochs of {path}, got {self.run.budget}"
            )
        try:
            self._load(state)
        except (RuntimeError, ValueError) as error:
            reason = str(error).splitlines()[0]
            raise RecordError(f"{path} is the state of another network ({reason})") from None
        return epochs

    def _restore(self, state: State) -> Standing:
        self._load(state)
        return Standing.from_state(state)

    def _load(self, state: State) -> None:
        self.network.load_state_dict(state["network"])
        self.optimiser.load(state["velocities"])

    def _save(self) -> None:
        if not self.run.team.leads:
            return
        state = {
            "network": self.network.state_dict(),
            "velocities": self.optimiser.velocities,
            **self.stopwatch.to_state(),
            **self.standing.to_state(),
        }
        write_checkpoint(self.run.checkpoint, state, self.fingerprint)

    def _try_epoch(self) -> CurveRow | None:
        """Return the row of the next epoch, or None if the memory was full."""
        try:
            return self._epoch()
        except RuntimeError as error:
            # In a team the others wait for this one for ever, so that all have to end.
            if not is_out_of_memory(error) or self.run.team.size > 1:
                raise
            return None  # and with the error goes all that it holds of the epoch

    def _halve_batch(self) -> None:
        self.optimiser.clear()
        if self.device.type == "cuda":
            torch.cuda.empty_cache()
        batch_size = self.standing.batch_size
        self.standing = replace(
            self._restore(read_state(self.run.checkpoint)), batch_size=batch_size // 2
        )
        self._save()
        self._report(
            f"no memory for a batch of {batch_size}: goes on after"
            f" {self.standing.position.describe(self.run.budget)} with {batch_size // 2}"
        )

    def _epoch(self) -> CurveRow:
        """Return the row of the next epoch.

        Raises:
            DivergedError: a loss is no number.
        """
        standing, run = self.standing, self.run
        epoch = standing.epoch + 1
        tally = Tally(self.device)
        if standing.tally is not None and run.team.leads:  # the sums of all processes
            tally.load(standing.tally)

        def after_step(seen: int, total: int, loss: Tensor) -> None:
            self.log.count(seen)
            said = self._ask_all()
            if said and seen < total:
                self._save_within(Position(standing.epoch, seen), tally)
                self._stop(said)
            if self.log.due():
                self.log.step(epoch, seen, total, loss.item())

        self.log.begin_epoch(standing.position.seen)
        train_epoch(
            self.trained,
            self.optimiser,
            self.train,
            run,
            tally,
            position=standing.position,
            batch_size=standing.batch_size,
            after_step=after_step,
        )
        peak = choose_peak(run.settings, standing.batch_size)
        rate = schedule(peak, standing.epoch, run.budget, run.settings.warmup_epochs)
        trained = tally.means(run.team)
        check_finite("loss", trained.loss, epoch)
        row = CurveRow(epoch, rate, trained.loss, trained.error, None, None, None)
        if self.validation is None:
            return row
        means = evaluate(
            self.network, self.validation, standing.batch_size, run.settings, run.team
        )
        check_finite("validation loss", means.loss, epoch)
        return CurveRow(epoch, rate, trained.loss, trained.error, *means)

    def _end_epoch(self, row: CurveRow) -> None:
        standing = self.standing
        self.standing = replace(
            standing,
            position=Position(standing.epoch + 1),
            curve=(*standing.curve, row),
            tally=None,
        )
        self._save()
        self.log.epoch(row)
        said = self._ask_all()
        if said and self.standing.epoch < self.run.budget:
            self._stop(said)

    def _was_over(self) -> bool:
        """Return whether the time was up before this run; the first process says it for all."""
        if self.run.most_seconds is None:
            return False
        goes_on = not (self.run.team.leads and self.stopwatch.was_over())
        return self.run.team.least(int(goes_on)) == 0

    def _ask_all(self) -> int:
        """Return whether the time is up, or a signal came to any process, or neither: 0.

        All learn it at the same step; the time is that of the first process.
        """
        if self.run.team.leads and self.stopwatch.is_over():
            return self.poll.ask(TIME_IS_UP)
        return self.poll.ask(STOP if self.interruption else 0)

    def _save_within(self, position: Position, tally: Tally) -> None:
        """Save where the training stands within an epoch."""
        sums = tally.state(self.run.team)
        self.standing = replace(self.standing, position=position, tally=sums)
        self._save()

    def _stop(self, said: int) -> None:
        """End the training, which is saved as it stands."""
        if said == TIME_IS_UP:
            raise TimedOutError
        signal = self.interruption.signal or SIGTERM  # another process may have got it
        self._report(
            f"stopped by {signal.name} after {self.standing.position.describe(self.run.budget)}"
        )
        raise InterruptedTraining(128 + signal)

    def _report(self, line: str) -> None:
        if self.run.team.leads:
            self.run.report(line)

    def _time_out(self) -> Outcome:
        error = self.stopwatch.describe(self.standing.epoch, self.run.budget)
        self._report(error)
        return self._outcome("timed_out", error)

    def _outcome(self, status: str, error: str | None) -> Outcome:
        standing = self.standing
        last = standing.curve[-1] if standing.curve and status == "ok" else None
        return Outcome(
            status=status,
            epochs=standing.epoch - standing.first_epoch,
            validation_error=last.validation_error if last else None,
            error=error,
            curve=standing.curve,
            batch_size=standing.batch_size,
            seconds=self.stopwatch.seconds,
            images_per_second=self.log.speed(),
            restarts=self.stopwatch.restarts,
        )
