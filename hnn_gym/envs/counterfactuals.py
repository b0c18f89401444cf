"""Counterfactuals: two futures from one moment, one without energy bumps and one with them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np

from hnn_gym.envs.single import SimulatorEnv
from hnn_gym.errors import InputError
from hnn_gym.worlds.world_model import WorldModel


@dataclass(frozen=True)
class Future:
    """States and energies along one future.

    Attributes:
        state: [q, dq/dt] ``(steps + 1, 2n)``, the first is the shared moment.
        energy: the world's H in J ``(steps + 1,)``.
        frames: pictures ``(steps + 1, height, width, 3)`` uint8, where the environment draws, else None.
    """

    state: np.ndarray
    energy: np.ndarray
    frames: np.ndarray | None


@dataclass(frozen=True)
class Counterfactual:
    """Two futures side by side.

    Attributes:
        factual: without bumps.
        counterfactual: with them.
        requested: dE in J by step.
        realised: energy that each bump gave, in J, by step.
        world: the world in which both take place.
    """

    factual: Future
    counterfactual: Future
    requested: Mapping[int, float]
    realised: Mapping[int, float]
    world: WorldModel

    def save_figure(self, path: str | Path) -> None:
        """Draw both futures in the phase plane of the first degree of freedom, and their energies, as PNG."""
        from hnn_gym.evaluation import plots

        world = self.world
        figure = plots.two_futures(
            self.factual,
            self.counterfactual,
            dt=world.dt,
            angle=world.coordinates.angles[0],
            energy_unit=world.energy_unit,
        )
        plots.save(figure, Path(path))

    def save_film(self, path: str | Path, *, fps: int = 20) -> None:
        """Write a GIF of both futures side by side.

        Raises:
            InputError: the environment was made without ``render_mode="rgb_array"``.
        """
        from hnn_gym.evaluation.report import write_gif

        if self.factual.frames is None or self.counterfactual.frames is None:
            raise InputError('There are no frames: make the environment with render_mode="rgb_array".')
        panels = {"as it was": list(self.factual.frames), "with bumps": list(self.counterfactual.frames)}
        write_gif(Path(path), panels, fps=fps)


def counterfactual(env: gymnasium.Env[Any, Any], actions: np.ndarray, *, bumps: Mapping[int, float]) -> Counterfactual:
    """Follow the present state of ``env`` under ``actions`` twice, with and without bumps, and restore it.

    Example:
        >>> import gymnasium, hnn_gym
        >>> env = gymnasium.make("HNNPendulum-v0")
        >>> observation, info = env.reset(seed=0)
        >>> result = hnn_gym.counterfactual(env, np.zeros((100, 1)), bumps={50: 1.0})

    Args:
        env: an environment of this package, after reset; a world with an H.
        actions: ``(steps, k)``.
        bumps: energy in J to give before the step of that number, counted from 0.

    Raises:
        InputError: the environment is not of this package, its world is a baseline, ``actions`` are not one for each
            step, ``bumps`` is not a dict, or it names a step beyond the actions.
    """
    simulator = getattr(env, "unwrapped", None)
    if not isinstance(simulator, SimulatorEnv):
        raise InputError(
            f"counterfactual needs an environment of hnn_gym, and {env} is not one: learn its world first."
        )
    if not isinstance(bumps, Mapping):
        raise InputError(f"bumps must be a dict, step -> dE in J, not {bumps!r}.")
    try:
        steps = len(actions)
    except TypeError:
        raise InputError(f"actions must be one action for each step, (steps, k), not {actions!r}.") from None
    outside = [step for step in bumps if step not in range(steps)]
    if outside:
        raise InputError(f"There are {steps} steps, from 0, and bumps at {outside}.")
    now = simulator.clone_state()
    try:
        factual, _ = _follow(simulator, actions, {})
        simulator.restore_state(now)
        other, realised = _follow(simulator, actions, bumps)
    finally:
        simulator.restore_state(now)
    return Counterfactual(factual, other, dict(bumps), realised, simulator.world)


def _follow(env: SimulatorEnv, actions: np.ndarray, bumps: Mapping[int, float]) -> tuple[Future, dict[int, float]]:
    drawn = env.render_mode == "rgb_array"
    states, frames, realised = [env.state], [env.render()] if drawn else [], {}
    points = [env.phase_point]
    for step, action in enumerate(actions):
        if step in bumps:
            realised[step] = env.bump(bumps[step])
        env.step(action)
        states.append(env.state)
        points.append(env.phase_point)
        if drawn:
            frames.append(env.render())
    energy = np.asarray(env.world.energy(np.array(points)))
    return Future(np.array(states), energy, np.array(frames) if drawn else None), realised
