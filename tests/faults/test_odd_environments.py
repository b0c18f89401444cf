"""Environments that return or raise what Gymnasium does not allow, and one that hardly moves."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import pytest

import hnn_gym
from hnn_gym.collect import CollectSettings, collect, main
from hnn_gym.errors import InputError

_ID = "hnn_gym_odd/Odd-v0"


class _Odd(gymnasium.Env[np.ndarray, np.ndarray]):
    """A position that grows evenly, a velocity that stays, and something odd in step 17."""

    observation_space = gymnasium.spaces.Box(-10.0, 10.0, (2,), np.float32)
    action_space = gymnasium.spaces.Box(-1.0, 1.0, (1,), np.float32)

    def __init__(self, odd: Callable[[tuple[Any, ...]], Any]) -> None:
        self._odd, self._step, self._steps = odd, 0, 0

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> Any:
        super().reset(seed=seed)
        self._step = 0
        return np.zeros(2, np.float32), {}

    def step(self, action: np.ndarray) -> Any:
        self._step, self._steps = self._step + 1, self._steps + 1
        fine = (np.array([0.1 * self._step, 0.1], np.float32), 0.0, False, self._step == 10, {})
        return self._odd(fine) if self._steps == 17 else fine


def _leave(fine: tuple[Any, ...]) -> Any:
    raise SystemExit(5)


def _give_up(fine: tuple[Any, ...]) -> Any:
    raise GeneratorExit


_ODD: dict[str, tuple[Callable[[tuple[Any, ...]], Any], str]] = {
    "four values": (lambda fine: fine[:4], "has to return observation, reward"),
    "nothing": (lambda fine: None, "has to return observation, reward"),
    "a word for terminated": (lambda fine: (*fine[:2], "yes", *fine[3:]), "has to be True or False"),
    "None for truncated": (lambda fine: (*fine[:3], None, fine[4]), "has to be True or False"),
    "NaN for terminated": (lambda fine: (*fine[:2], np.nan, *fine[3:]), "has to be True or False"),
    "SystemExit": (_leave, "cannot be stepped"),
    "GeneratorExit": (_give_up, "cannot be stepped"),
}


@pytest.fixture
def registered() -> Iterator[Callable[[Callable[[tuple[Any, ...]], Any]], None]]:
    """Register the environment with something odd."""

    def register(odd: Callable[[tuple[Any, ...]], Any]) -> None:
        gymnasium.register(_ID, entry_point=lambda: _Odd(odd), disable_env_checker=True, order_enforce=False)

    yield register
    gymnasium.registry.pop(_ID)


@pytest.mark.parametrize("odd", _ODD)
def test_what_gymnasium_does_not_allow_is_one_error_and_the_episodes_before_stay(
    tmp_path: Path, odd: str, registered: Callable[[Any], None]
) -> None:
    function, words = _ODD[odd]
    registered(function)
    with pytest.raises(InputError, match=words):
        collect(CollectSettings(env=_ID, out=tmp_path / "data.zarr", steps=40))
    kept = hnn_gym.TransitionDataset.open(tmp_path / "data.zarr")
    assert [episode.num_steps for episode in kept] == [10, 6]


def test_what_hardly_moves_is_recorded_and_a_sentence_says_that_it_cannot_be_read(
    tmp_path: Path, registered: Callable[[Any], None], capsys: pytest.CaptureFixture[str]
) -> None:
    registered(lambda fine: fine)
    main(CollectSettings(env=_ID, out=tmp_path / "data.zarr", steps=100))
    written = capsys.readouterr()
    assert "100 steps in 10 episodes" in written.out
    assert "none of them shows a free motion" in written.err
