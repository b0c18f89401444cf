"""The films: random torque for learning, and unforced motion away from the separatrix for the forecasts."""

from __future__ import annotations

from typing import Any, NamedTuple

import gymnasium
import numpy as np

from hnn_gym.data import FrameRule, TransitionDataset, record_steps
from hnn_gym.data.frames import Camera
from hnn_gym.systems import coordinates_of

INERTIA, HALF_HEIGHT = 1 / 3, 5.0
"""Inertia and height of the potential of Pendulum-v1, in kg m^2 and J; for the evaluation only."""
DT = 0.05
"""Its step in s."""


class Film(NamedTuple):
    """Unforced episodes.

    Attributes:
        frames: uint8 ``(N, T + 1, H, W, C)``.
        states: the simulator's (angle from upright, angular velocity), ``(N, T + 1, 2)``: for the evaluation only.
    """

    frames: np.ndarray
    states: np.ndarray


def rule_of(size: int) -> FrameRule:
    """The rule of all frames of the experiment: red minus green shows only the rod."""
    return FrameRule(size, "red-green")


def record(*, steps: int, size: int, seed: int) -> TransitionDataset:
    """Record random torque; the states are recorded too, but only the evaluation uses them."""
    env = gymnasium.make("Pendulum-v1", render_mode="rgb_array")
    coordinates = coordinates_of("Pendulum-v1")
    assert coordinates is not None
    dataset = record_steps(
        env,
        steps=steps,
        seed=seed,
        record_state=True,
        record_frames=rule_of(size),
        coordinates=coordinates.to_json(),
    )
    env.close()
    return dataset


def true_energy(states: np.ndarray) -> np.ndarray:
    """Energy in J of (angle from upright, angular velocity) ``(..., 2)``, 0 at rest upright."""
    energy: np.ndarray = INERTIA * states[..., 1] ** 2 / 2 + HALF_HEIGHT * (np.cos(states[..., 0]) - 1)
    return energy


def film_unforced(
    rule: FrameRule, *, episodes: int, steps: int, first_seed: int, energies: tuple[float, float] = (-9.0, -1.0)
) -> Film:
    """Film Pendulum-v1 without torque from ``reset(seed=first_seed)`` and on, keeping energies between two, in J.

    At -10 J the pendulum hangs still, so that a forecast is trivial; at 0 J lies the separatrix, near which no forecast
    stays right for long, and above it the speed limit, which is not physics. -9 to -1 J are swings of 0.6 to 2.5 rad.
    """
    env: Any = gymnasium.make("Pendulum-v1", render_mode="rgb_array", max_episode_steps=steps + 1)
    camera = Camera(env, rule)
    films: list[Film] = []
    seed = first_seed
    while len(films) < episodes:
        env.reset(seed=seed)
        seed += 1
        if not energies[0] <= true_energy(env.unwrapped.state) <= energies[1]:
            continue
        frames, states = [camera()], [env.unwrapped.state.copy()]
        for _ in range(steps):
            env.step(np.zeros(1, np.float32))
            frames.append(camera())
            states.append(env.unwrapped.state.copy())
        films.append(Film(np.array(frames), np.array(states)))
    env.close()
    return Film(*(np.stack(part) for part in zip(*films, strict=True)))
