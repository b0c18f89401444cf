"""Films of a hanging pendulum without torque: the data of the paper's pixel task.

Pendulum-v1, 200 trials of 103 frames, abs(theta) < pi / 6 at the start and abs(d theta / dt) < 1 rad/s, theta counted
from hanging; the crop around the swing, red minus green, 28 x 28. A fifth of the trials is the test.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import gymnasium
import numpy as np

from hnn_gym.data import FrameRule, record_steps

RULE = FrameRule(28, channels="red-green", crop=(0.44, 0.78, 0.33, 0.67), oversampling=5)
"""The crop of the paper. Drawn at 412 x 412; at 500 x 500, as the paper does, recording takes a seventh longer."""
DT = 0.05
"""Pendulum-v1's step, between two frames, in s."""
WIDEST = np.pi / 6
"""Largest angle at the start in rad."""
_TEST_SHARE = 0.2


@dataclass(frozen=True)
class Film:
    """Trials of T frames.

    Attributes:
        frames: ``(trials, T, pixels)`` in [0, 1], float32.
        theta: angle from hanging in rad ``(trials, T)``.
        speed: d theta / dt in rad/s ``(trials, T)``.
    """

    frames: np.ndarray
    theta: np.ndarray
    speed: np.ndarray

    def trials(self, chosen: slice) -> Film:
        """Some of the trials."""
        return Film(self.frames[chosen], self.theta[chosen], self.speed[chosen])

    @property
    def pairs(self) -> np.ndarray:
        """Pairs of frames, the older first: ``(trials, T - 1, 2 pixels)``."""
        return np.concatenate([self.frames[:, :-1], self.frames[:, 1:]], axis=-1)


class HangingStarts(gymnasium.Wrapper[Any, Any, Any, Any]):
    """Pendulum-v1, reset until it hangs at an angle between ``narrowest`` and ``widest`` in rad, on either side."""

    def __init__(self, env: gymnasium.Env[Any, Any], *, narrowest: float, widest: float) -> None:
        super().__init__(env)
        self._narrowest, self._widest = narrowest, widest

    def reset(self, *, seed: int | None = None, options: Mapping[str, Any] | None = None) -> Any:
        """Reset until the start is within the range."""
        inner: Any = self.env.unwrapped
        found = self.env.reset(seed=seed)
        while not self._narrowest < abs(from_hanging(inner.state[0])) < self._widest:
            found = self.env.reset()
        return found


def from_hanging(angle: np.ndarray) -> np.ndarray:
    """Angle from hanging, in [-pi, pi), of Gymnasium's angle from upright."""
    return np.remainder(angle, 2 * np.pi) - np.pi


def film(*, trials: int, frames: int, seed: int, narrowest: float = 0.0, widest: float = WIDEST) -> Film:
    """Record ``trials`` trials of ``frames`` frames."""
    env = gymnasium.make("Pendulum-v1", render_mode="rgb_array", max_episode_steps=frames - 1)
    with HangingStarts(env, narrowest=narrowest, widest=widest) as hanging:
        steps = trials * (frames - 1)
        data = record_steps(hanging, steps=steps, policy="zero", seed=seed, record_state=True, record_frames=RULE)
    states = np.stack([np.asarray(episode.state) for episode in data])
    pixels = np.stack(data.frames()).reshape(trials, frames, -1)
    return Film(pixels.astype(np.float32) / 255, from_hanging(states[..., 0]), states[..., 1])


def train_and_test(whole: Film) -> tuple[Film, Film]:
    """The training trials and the test trials, which come first, as in the paper."""
    test = round(_TEST_SHARE * len(whole.frames))
    return whole.trials(slice(test, None)), whole.trials(slice(test))
