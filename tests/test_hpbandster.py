"""Whole searches against HpBandSter: its generator on our history, and its own driver."""

import multiprocessing
import queue
import statistics
import warnings
from types import SimpleNamespace

import numpy as np
import pytest
from ConfigSpace import (
    CategoricalHyperparameter,
    ConfigurationSpace,
    UniformFloatHyperparameter,
    UniformIntegerHyperparameter,
)

from nago.search.brackets import plan_search
from nago.search.random_search import plain_values, seeded
from nago.search.simulate import simulate
from nago.search.steps import Search
from nago.seeds import derive_seed

FASTEST, FAST = {"num_samples": 4}, {"num_samples": 12}
"""Fewer samples than HpBandSter's 64, for both sides: a search then takes seconds."""


def generator_space():
    """Return a space like that of a hierarchical generator: eight integers and floats."""
    space = ConfigurationSpace()
    for level, least in (("top", 3), ("middle", 1), ("bottom", 3)):
        space.add(
            UniformIntegerHyperparameter(f"{level}_nodes", least, 10),
            UniformFloatHyperparameter(f"{level}_p", 0.1, 0.9),
        )
    space.add(UniformIntegerHyperparameter("top_k", 2, 5))
    space.add(UniformIntegerHyperparameter("bottom_k", 2, 5))
    return space


def toy_error(proposal):
    """Return an error without equals, or None for a trial that fails: one in five."""
    values = proposal.configuration
    if proposal.seed % 5 == 0:
        return None
    distance = sum((values[f"{level}_p"] - 0.4) ** 2 for level in ("top", "middle", "bottom"))
    noise = np.random.default_rng(proposal.seed).normal(0.0, 0.3 / proposal.budget)
    return float(distance + values["middle_nodes"] / 10 + 0.1 / proposal.budget + noise)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(("iterations", "lag"), [(60, 1), (24, 3)])
def test_a_search_asks_the_model_exactly_where_hpbandster_does(iterations, lag):
    from hpbandster.optimizers.config_generators.bohb import BOHB

    plan = plan_search(iterations, 30, 120, 2)
    trials = simulate(Search("bohb", generator_space(), 5, FASTEST), toy_error, plan, lag)
    assert len(trials) == {60: 260, 24: 104}[iterations]
    by_bracket = [[t for t in trials if t.name.startswith(f"b{b}-")] for b in range(iterations)]

    space = generator_space()
    live = BOHB(space, **FASTEST)
    crashed = picked = refilled = 0
    for bracket, rungs in enumerate(plan):
        if bracket >= lag:
            for trial in by_bracket[bracket - lag]:
                crashed += trial.validation_error is None
                # HpBandSter orders equal losses differently on different processors.
                as_crashed = 1e6 + crashed
                error = trial.validation_error
                live.new_result(
                    SimpleNamespace(
                        kwargs={"config": dict(trial.configuration), "budget": trial.budget},
                        result={"loss": as_crashed if error is None else error},
                        exception=None,
                    )
                )
        for number, rung in enumerate(rungs):
            below = [t for t in by_bracket[bracket] if f"-r{number}-" in t.name]
            new = [trial for trial in below if trial.parent is None]
            with seeded(space, derive_seed(5, "propose", bracket, number)):
                theirs = [live.get_config(rung.budget) for _ in new]
            assert [dict(t.configuration) for t in new] == [dict(config) for config, _ in theirs]
            models = [info["model_based_pick"] for _, info in theirs]
            assert [t.origin == "model" for t in new] == models
            picked += sum(models)
            refilled += len(new) if number else 0
    ours = sum(trial.origin == "model" and trial.parent is None for trial in trials)
    assert ours == picked
    assert iterations / 2 < picked < 2 * iterations  # of some 3 new ones per iteration
    assert refilled > 0


def test_a_bracket_that_would_see_itself_is_refused():
    search = Search("random", generator_space(), 5, {})
    with pytest.raises(ValueError, match="lag=0"):
        simulate(search, toy_error, plan_search(3, 30, 120, 2), lag=0)


SEEDS = range(10)
ITERATIONS, MIN_BUDGET, MAX_BUDGET, ETA = 18, 9, 81, 3


def counting_ones_space():
    space = ConfigurationSpace()
    space.add([CategoricalHyperparameter(f"bit{i}", ["0", "1"]) for i in range(4)])
    space.add([UniformFloatHyperparameter(f"chance{i}", 0.0, 1.0) for i in range(4)])
    return space


def count_ones(configuration, budget, seed):
    """Return minus the bits and the mean of `budget` draws of each chance, of 8 at best."""
    bits = sum(int(configuration[f"bit{i}"]) for i in range(4))
    chances = [float(configuration[f"chance{i}"]) for i in range(4)]
    draws = np.random.default_rng(seed).binomial(int(budget), chances) / int(budget)
    return -float(bits + draws.sum())


def regret(runs):
    """Return how far the best run of the largest budget is from the optimum, in [0, 1].

    `runs` are (configuration, budget, loss).
    """
    best = min((run for run in runs if run[1] == MAX_BUDGET), key=lambda run: run[2])[0]
    found = sum(int(best[f"bit{i}"]) + float(best[f"chance{i}"]) for i in range(4))
    return 1 - found / 8


def our_regret(method, options, seed):
    def objective(proposal):
        return count_ones(proposal.configuration, proposal.budget, proposal.seed)

    plan = plan_search(ITERATIONS, MIN_BUDGET, MAX_BUDGET, ETA)
    search = Search(method, counting_ones_space(), seed, options)
    trials = simulate(search, objective, plan, lag=1)
    return regret([(t.configuration, t.budget, t.validation_error) for t in trials])


def with_plain_values(get_config):
    def ask(budget):
        configuration, info = get_config(budget)
        return plain_values(configuration), info

    return ask


def drive_hpbandster(results):
    """Put, for each seed, the regret of HpBandSter's own driver with one worker on `results`.

    Nothing is shut down, as that waits for ever now and then: the process is to be ended.
    """
    warnings.simplefilter("ignore")
    import logging

    from hpbandster.core.nameserver import NameServer
    from hpbandster.core.worker import Worker
    from hpbandster.optimizers import BOHB

    logging.disable(logging.CRITICAL)

    class CountingOnes(Worker):
        runs = 0

        def compute(self, config, budget, **_):
            self.runs += 1
            seed = derive_seed(self.root, "trial", self.runs)
            return {"loss": count_ones(config, budget, seed), "info": {}}

    for seed in SEEDS:
        np.random.seed(seed)  # noqa: NPY002
        space = counting_ones_space()
        space.seed(derive_seed(seed, "space"))
        place = {"run_id": f"seed{seed}", "host": "127.0.0.1"}
        server = NameServer(**place)
        _, port = server.start()
        network = {**place, "nameserver": "127.0.0.1", "nameserver_port": port}
        worker = CountingOnes(**network)
        worker.root = seed
        worker.run(background=True)
        driver = BOHB(
            configspace=space,
            min_budget=MIN_BUDGET,
            max_budget=MAX_BUDGET,
            eta=ETA,
            ping_interval=3600,
            **network,
            **FAST,
        )
        # Numpy's own floats and strings cannot be sent to a worker: the driver waits for ever.
        driver.budgets = [float(budget) for budget in driver.budgets]
        driver.config_generator.get_config = with_plain_values(driver.config_generator.get_config)
        found = driver.run(n_iterations=ITERATIONS)
        configurations = found.get_id2config_mapping()
        runs = [
            (configurations[run.config_id]["config"], run.budget, run.loss)
            for run in found.get_all_runs()
        ]
        results.put((len(runs), regret(runs)))


def drivers_regrets(limit):
    """Return the regrets of HpBandSter's driver, from a process that ends after `limit` s."""
    context = multiprocessing.get_context("spawn")
    results = context.Queue()
    process = context.Process(target=drive_hpbandster, args=(results,), daemon=True)
    process.start()
    try:
        found = [results.get(timeout=limit) for _ in SEEDS]
    except queue.Empty:
        pytest.fail(f"HpBandSter's driver gave nothing for {limit} s")
    finally:
        process.terminate()
        process.join()
    plan = plan_search(ITERATIONS, MIN_BUDGET, MAX_BUDGET, ETA)
    assert {runs for runs, _ in found} == {sum(rung.size for rungs in plan for rung in rungs)}
    return [value for _, value in found]


def is_no_worse(ours, theirs):
    """Tell whether the mean of `ours` exceeds theirs by one standard error at most."""
    variances = [statistics.variance(values) / len(values) for values in (ours, theirs)]
    return statistics.mean(ours) <= statistics.mean(theirs) + sum(variances) ** 0.5


def test_regret_is_no_worse_than_that_of_hpbandsters_driver():
    theirs = drivers_regrets(limit=60)
    ours = [our_regret("bohb", FAST, seed) for seed in SEEDS]
    at_random = [our_regret("random", {}, seed) for seed in SEEDS]
    assert is_no_worse(ours, theirs)
    assert not is_no_worse(at_random, theirs)  # so the comparison can tell a poor search
