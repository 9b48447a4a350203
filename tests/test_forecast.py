"""Forecasts against the paper's numbers and against a search simulated training by training."""

import pytest

from nago.forecast import describe_forecast, forecast, measure_seconds_per_epoch
from nago.search.brackets import Rung, plan_full_budget, plan_search

PAPER_CYCLE = [((4, 30), (2, 60), (1, 120)), ((2, 60), (1, 120)), ((3, 120),)]
"""HpBandSter's brackets at 30, 60 and 120 epochs: trials and epochs of each rung."""


def look_ahead(plan, *, continues=False, seconds=None):
    return forecast(
        plan,
        continues=continues,
        final_networks=8,
        final_epochs=600,
        seconds_per_epoch=seconds,
    )


def simulate(plan, continues):
    """Train every trial of a plan, an epoch at a time: configurations, trainings, epochs."""
    configurations, trainings, epochs = 0, {}, 0
    for rungs in plan:
        progress = []  # epochs that each configuration still in the race has seen
        for size, budget in rungs:
            if not progress:
                progress = [0] * size
                configurations += size
            survivors = progress[:size]
            for place, seen in enumerate(survivors):
                trained = seen if continues else 0
                while trained < budget:
                    trained += 1
                    epochs += 1
                survivors[place] = trained
                trainings[budget] = trainings.get(budget, 0) + 1
            progress = survivors
    return configurations, dict(sorted(trainings.items())), epochs


def test_the_papers_search_is_180_configurations_260_trainings_and_19200_epochs():
    result = look_ahead(plan_search(60, 30, 120, 2))
    assert (result.brackets, result.configurations, result.trainings) == (60, 180, 260)
    assert result.trainings_by_budget == {30: 80, 60: 80, 120: 100}
    assert result.epochs == 19_200
    assert (result.final_networks, result.final_epochs) == (8, 4800)
    assert result.seconds_per_epoch is None
    assert result.search_gpu_hours is None
    assert result.final_gpu_hours is None


def test_continuing_promoted_trials_takes_15600_epochs():
    result = look_ahead(plan_search(60, 30, 120, 2), continues=True)
    assert (result.trainings, result.epochs) == (260, 15_600)


def test_the_papers_search_on_sport8_takes_64000_epochs():
    assert look_ahead(plan_search(60, 100, 400, 2)).epochs == 64_000


@pytest.mark.parametrize("continues", [False, True])
@pytest.mark.parametrize("iterations", [1, 2, 3, 4, 60])
def test_a_forecast_is_what_the_papers_brackets_take_training_by_training(iterations, continues):
    brackets = [PAPER_CYCLE[place % 3] for place in range(iterations)]
    configurations, trainings, epochs = simulate(brackets, continues)
    result = look_ahead(plan_search(iterations, 30, 120, 2), continues=continues)
    assert result.configurations == configurations
    assert result.trainings_by_budget == trainings
    assert result.trainings == sum(trainings.values())
    assert result.epochs == epochs


@pytest.mark.parametrize("continues", [False, True])
@pytest.mark.parametrize(
    "plan",
    [
        plan_search(7, 1, 27, 3),
        plan_search(9, 3, 3, 2),
        plan_full_budget(5, 1, 4, 2),
        ((Rung(9, 1), Rung(3, 5)), (Rung(2, 7),)),
    ],
)
def test_a_forecast_is_what_any_plan_takes_training_by_training(plan, continues):
    pairs = [[(rung.size, rung.budget) for rung in rungs] for rungs in plan]
    result = look_ahead(plan, continues=continues)
    assert (result.configurations, result.trainings_by_budget, result.epochs) == simulate(
        pairs, continues
    )


def test_hours_are_epochs_times_seconds():
    result = look_ahead(plan_search(60, 30, 120, 2), seconds=57.6)
    assert result.search_gpu_hours == pytest.approx(19_200 * 57.6 / 3600)
    assert result.search_gpu_hours / 24 == pytest.approx(12.8)  # GPU-days on CIFAR10, the paper
    assert result.final_gpu_hours == pytest.approx(8 * 600 * 57.6 / 3600)


def test_seconds_per_epoch_are_measured_from_a_table_of_costs(tmp_path):
    path = tmp_path / "costs.csv"
    assert measure_seconds_per_epoch(path) is None
    path.write_text("trial,epochs,seconds\nb0-r0-s0,3,1.5\nb0-r0-s1,1,2.5\nb0-r0-s2,0,0.0\n")
    assert measure_seconds_per_epoch(path) == 1.0
    for useless in ("", "trial,epochs,seconds\n", "trial\nb\n", "epochs,seconds\n0,1.0\n"):
        path.write_text(useless)
        assert measure_seconds_per_epoch(path) is None
    path.write_text("epochs,seconds\n1,\n")
    assert measure_seconds_per_epoch(path) is None


def test_a_forecast_for_people_has_all_numbers():
    plan = plan_search(60, 30, 120, 2)
    lines = describe_forecast("hnag-bohb", look_ahead(plan, seconds=60)).splitlines()
    assert lines[0] == "hnag-bohb"
    text = "\n".join(lines)
    for part in (
        "180 new",
        "260 (80 of 30, 80 of 60, 100 of 120 epochs)",
        "19,200",
        "320",
        "4,800",
    ):
        assert part in text
    unknown = describe_forecast("hnag-bohb", look_ahead(plan)).splitlines()[-1]
    assert "unknown: give --epoch-seconds" in unknown
