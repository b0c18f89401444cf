"""What is filmed and learned: the environments, their frames, their scenes, and who learns them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import gymnasium
import numpy as np

from experiments.scenes.one_colour import OneColour
from hnn_gym.data import FrameRule, TransitionDataset, record_steps
from hnn_gym.data.frames import Camera, Channels
from hnn_gym.models.pixel import Bodies, OnePosition, Scene, Slider
from hnn_gym.physics.integrators import Leapfrog
from hnn_gym.systems import SYSTEMS, Twin

FIRST_SEED = 1000
"""Seed of the first held-out film; recordings to learn from have the seeds 0, 1, 2."""


@dataclass(frozen=True)
class Setup:
    """One environment.

    Attributes:
        env_id: of the environment.
        scene: what the frames show.
        channels: of the frames.
        steps: recorded steps to learn from.
        context: steps of a film from which the state is estimated.
        horizon: steps to forecast.
        height: height of the picture in m.
        horizons: of the training.
        ships: whether the worlds of the first recording ship with the package.
        chaotic: whether small errors grow, so that the true world forecasts the same films from the same positions too:
            what it misses is what the frames do not show.
        one_colour: whether all bodies are drawn alike.
        twin: who learns, by an energy alone, where no world of the environment ships; None where none learns.
    """

    env_id: str
    scene: Scene
    channels: Channels
    steps: int
    context: int
    horizon: int
    height: float
    horizons: tuple[int, ...]
    ships: bool = True
    chaotic: bool = False
    one_colour: bool = False
    twin: Twin | None = None

    @property
    def models(self) -> Mapping[str, tuple[Twin, str | None]]:
        """Who learns, and the id under which it ships; nobody where only the identities of bodies are measured."""
        system = SYSTEMS[self.env_id]
        if not system.pixel_twins:
            return {} if self.twin is None else {"HNN": (self.twin, None)}
        hnn = system.pixel_twins["HNN"]
        found: dict[str, tuple[Twin, str | None]] = {
            "HNN": (hnn, f"HNNPixel{system.name}-v0" if self.ships else None),
        }
        baseline = system.pixel_twins.get("Baseline")
        shipped = f"BaselinePixel{system.name}-v0" if self.ships and baseline is not None else None
        found["second-order network"] = baseline or NETWORK, shipped
        if hnn.options.get("hidden") == ():
            found["second-order polynomial"] = Twin("second-order", {"hidden": ()}, integrator=hnn.integrator), None
        return found


NETWORK = Twin("second-order", {"hidden": (16,)})
"""The network without physics where none ships."""

FIVE, FIVE_ALIKE = "five bodies", "five bodies of one colour"
_HEIGHT_OF_FIVE = float(4 * 1.2 * np.sqrt(5))
"""Of the picture of NBody-v0 with five bodies, in m."""

_FIVE = Setup(
    "NBody-v0",
    Bodies(5, height=_HEIGHT_OF_FIVE),
    "rgb",
    6000,
    50,
    250,
    _HEIGHT_OF_FIVE,
    (20, 60),
    ships=False,
    chaotic=True,
    twin=Twin("pairwise", {"hidden": (16,)}, integrator=Leapfrog()),
)

SETUPS: Mapping[str, Setup] = {
    "spring": Setup("Spring-v0", OnePosition(), "red-green", 1000, 50, 1000, 4.8, (5, 10, 20, 40)),
    "sliding spring": Setup(
        "Spring-v0", Slider(width=4.8), "red-green", 1000, 50, 1000, 4.8, (5, 10, 20, 40), ships=False
    ),
    "two bodies": Setup("TwoBody-v0", Bodies(2, height=10.0), "rgb", 4000, 50, 350, 10.0, (10, 40)),
    "three bodies": Setup("ThreeBody-v0", Bodies(3, height=8.0), "rgb", 6000, 50, 500, 8.0, (20, 60), chaotic=True),
    FIVE: _FIVE,
    FIVE_ALIKE: replace(_FIVE, one_colour=True, twin=None),
}
"""What is measured. Red minus green shows the block of the spring on black, which the error of a frame needs."""


class Film(NamedTuple):
    """Held-out motion without forces.

    Attributes:
        frames: uint8 ``(N, T + 1, H, W, C)``.
        states: [q, v] ``(N, T + 1, 2n)``, for the evaluation only.
    """

    frames: np.ndarray
    states: np.ndarray


def rule_of(setup: Setup, size: int) -> FrameRule:
    """The rule of all frames."""
    return FrameRule(size, setup.channels)


def _made(setup: Setup, **options: Any) -> Any:
    env: gymnasium.Env[Any, Any] = gymnasium.make(setup.env_id, render_mode="rgb_array", **options)
    return OneColour(env, half_height=setup.height / 2) if setup.one_colour else env


def recorded(setup: Setup, *, size: int, seed: int) -> TransitionDataset:
    """Record random actions; the states are recorded too, for the evaluation only."""
    env = _made(setup)
    dataset = record_steps(env, steps=setup.steps, seed=seed, record_state=True, record_frames=rule_of(setup, size))
    env.close()
    return dataset


def filmed(setup: Setup, *, size: int, motions: int) -> Film:
    """Film motion without forces from ``reset(seed=1000)`` and on; motions that end too soon are left out."""
    steps = setup.context + setup.horizon
    env = _made(setup, max_episode_steps=steps + 1)
    camera = Camera(env, rule_of(setup, size))
    films: list[Film] = []
    seed = FIRST_SEED
    while len(films) < motions:
        env.reset(seed=seed)
        frames, states = [camera()], [env.unwrapped.state]
        for _ in range(steps):
            terminated = env.step(np.zeros(env.action_space.shape, np.float32))[2]
            frames.append(camera())
            states.append(env.unwrapped.state)
            if terminated:
                break
        else:
            films.append(Film(np.array(frames), np.array(states)))
        seed += 1
    env.close()
    return Film(*(np.stack(part) for part in zip(*films, strict=True)))
