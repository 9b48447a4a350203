"""Stages: which of the top nodes work at which resolution.

Source: Ru, Esperança and Carlucci 2020, section 2.1; the walk is their released code's.
"""

from collections.abc import Sequence

from nago.records import UserError


def assign_stages(nodes: int, ratios: Sequence[float], *, fill: bool = False) -> tuple[int, ...]:
    """Return the stage of each top node.

    Nodes are walked in order; a node moves on to the next stage once its place reaches the
    share of the stages so far, by at most one stage a node.

    Args:
        nodes: how many there are.
        ratios: shares of the stages, of their sum.
        fill: whether the last nodes go to the stages that would get none. Of ratios drawn from
            their whole ranges one in five leaves a stage empty, two in three at 3 nodes.

    Raises:
        UserError: a ratio is not positive, or a stage gets no node.
    """
    if not ratios or any(not ratio > 0 for ratio in ratios):
        raise UserError(f"stage_ratios must all be above 0, got {list(ratios)}")
    stages, stage = [], 0
    for place in range(nodes):
        threshold = sum(ratios[: stage + 1]) / sum(ratios) * nodes
        # The tolerance keeps 3 nodes at a third each from depending on rounding.
        due = place >= threshold - 1e-9 or (fill and nodes - place < len(ratios) - stage)
        if due and stage < len(ratios) - 1:
            stage += 1
        stages.append(stage)
    empty = sorted(set(range(len(ratios))) - set(stages))
    if empty:
        names = ", ".join(str(stage + 1) for stage in empty)
        raise UserError(
            f"stage_ratios {list(ratios)} leave stage {names} of {len(ratios)} empty at"
            f" {nodes} top nodes; give it a larger share, as in {[1] * len(ratios)}"
        )
    return tuple(stages)
