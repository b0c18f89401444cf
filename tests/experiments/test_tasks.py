"""The measurement of simple policies in the tasks, on tiny settings."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from gymnasium.spaces import Box
from rich.console import Console

from experiments import tasks, transfer
from experiments.sample_efficiency.command import Settings, study
from hnn_gym.agents.scripted import Idle, RandomActions
from hnn_gym.errors import InputError


def test_planning_beats_doing_nothing_on_the_spring_and_nothing_is_measured_twice(tmp_path: Path) -> None:
    settings = tasks.Settings(
        out=tmp_path / "tasks.json", environments=("Spring-v0", "TwoBody-v0"), episodes=2, max_steps=20
    )
    results = tasks.measure(settings, console=Console(quiet=True))
    returns = {key: row["returns"] for key, row in results.below("").items()}
    assert set(returns) == {f"{env}/{way}" for env in settings.environments for way in tasks.WAYS}
    assert (np.array(returns["Spring-v0/planned"]) > returns["Spring-v0/nothing"]).all()
    again = tasks.measure(settings, console=Console(quiet=True))
    assert {key: row["returns"] for key, row in again.below("").items()} == returns


def test_simple_agents_return_actions_of_the_space_for_one_observation_or_many() -> None:
    space = Box(np.array([0.5, -1.0], np.float32), np.array([2.0, 1.0], np.float32))
    idle, random = Idle(space), RandomActions(space, seed=3)
    np.testing.assert_array_equal(idle.predict(np.zeros((3, 5)))[0], [[0.5, 0.0]] * 3)  # rest is as near as may be
    assert idle.predict(np.zeros(5))[0].shape == random.predict(np.zeros(5))[0].shape == (2,)
    many, _ = random.predict(np.zeros((200, 5)))
    assert all(space.contains(action) for action in many)
    np.testing.assert_allclose(many.min(0), space.low, atol=0.1)
    np.testing.assert_allclose(many.max(0), space.high, atol=0.1)


@pytest.mark.parametrize(
    ("measure", "words"),
    [
        (lambda c: tasks.measure(tasks.Settings(out=None, environments=("Foo-v0",)), console=c), "Spring-v0"),
        (lambda c: transfer.measure(transfer.Settings(out=None, tasks=("foo",)), console=c), "bump-by-force"),
        (lambda c: study(Settings(contenders=("Foo",)), console=c), "MLP ensemble"),
    ],
)
def test_an_unknown_name_is_refused_with_a_list_of_the_known_ones(
    measure: Callable[[Console], object], words: str
) -> None:
    with pytest.raises(InputError, match=f"(?i)foo.*: choose from .*{words}"):
        measure(Console(quiet=True))
