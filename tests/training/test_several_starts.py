"""A fit that begins several times keeps the end with the least objective."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import gymnasium
import numpy as np
import pytest

from hnn_gym.data import TransitionDataset, record_steps
from hnn_gym.errors import ConvergenceError, InputError
from hnn_gym.systems import coordinates_of
from hnn_gym.training import FitSettings, FitState, train_ensemble, train_world
from hnn_gym.training.preparation import Preparation
from hnn_gym.training.several_starts import fit_from_starts, start_of

PENDULUM = coordinates_of("Pendulum-v1")
FIT = FitSettings(adam_steps=2, lbfgs_steps=2, starts=3)
SMALL = {"hidden": (4,)}


@pytest.fixture(scope="module")
def dataset() -> TransitionDataset:
    assert PENDULUM is not None
    return record_steps(gymnasium.make("Pendulum-v1"), steps=30, seed=0, coordinates=PENDULUM.to_json())


@pytest.fixture(scope="module")
def prepared(dataset: TransitionDataset) -> Preparation:
    return Preparation.of(dataset, "mechanical", options=SMALL)


def test_the_end_with_the_least_objective_is_kept(prepared: Preparation) -> None:
    ends: dict[int, float] = {}

    def report(progress: Any, state: FitState) -> None:
        ends[state.start] = progress.objective

    found = fit_from_starts(prepared, FIT.rounds(30), FIT, report=report)
    assert sorted(ends) == [0, 1, 2]
    assert found.start == min(ends, key=ends.__getitem__) != 0  # otherwise this test would not see a choice
    one = replace(FIT, starts=1)
    alone = fit_from_starts(prepared, one.rounds(30), one)
    assert alone.start == 0
    assert not np.array_equal(alone.parameters["inertia.log"], found.parameters["inertia.log"])


def test_networks_begin_with_other_weights_and_other_models_around_the_first_start(dataset: TransitionDataset) -> None:
    for model, options in (("mechanical", SMALL), ("chain", {})):
        objective = Preparation.of(dataset, model, options=options).objective(FIT)
        first, second, again = (start_of(objective, number) for number in (0, 1, 1))
        for name, value in objective.initial_parameters().items():
            np.testing.assert_array_equal(first[name], value)
            np.testing.assert_array_equal(second[name], again[name])
        assert any(np.abs(second[name] - value).max() > 0.01 for name, value in first.items())
        if model == "chain":
            assert all((np.abs(second[name] - value) <= 1.5 * np.abs(value)).all() for name, value in first.items())


def test_an_interrupted_fit_goes_through_the_same_starts_to_the_same_bits(dataset: TransitionDataset) -> None:
    states: list[FitState] = []

    def interrupt(progress: Any, state: FitState) -> None:
        if state.start == 2:
            states.append(state)
            raise KeyboardInterrupt

    settings = {"settings": FIT, "options": SMALL}
    whole = train_world(dataset, "mechanical", **settings)
    with pytest.raises(KeyboardInterrupt):
        train_world(dataset, "mechanical", report=interrupt, **settings)
    assert states[0].best
    rest = train_world(dataset, "mechanical", state=states[0], **settings)
    for name, value in whole.parameters.items():
        np.testing.assert_array_equal(rest.parameters[name], value)


def test_a_start_that_diverges_is_left_out_and_the_fit_fails_where_all_do(
    prepared: Preparation, monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing(diverging: tuple[int, ...]) -> Any:
        def fit(*args: Any, state: FitState, **kwargs: Any) -> FitState:
            if state.start in diverging:
                raise ConvergenceError("The loss became nan.")
            return state

        return fit

    place = "hnn_gym.training.several_starts.fit_by_rounds"
    monkeypatch.setattr(place, failing((0, 1)))
    assert fit_from_starts(prepared, FIT.rounds(30), FIT).start == 2
    monkeypatch.setattr(place, failing((0, 1, 2)))
    with pytest.raises(ConvergenceError):
        fit_from_starts(prepared, FIT.rounds(30), FIT)


def test_an_ensemble_refuses_several_starts(dataset: TransitionDataset) -> None:
    with pytest.raises(InputError, match="leave starts out"):
        train_ensemble(dataset, "mechanical", members=2, settings=FIT, options=SMALL)
