"""Measures of the quality of a world.

The relevant energy of a learned motion is the *true* one: that a learned H is conserved along its own trajectories
proves nothing. The one-step error is :func:`hnn_gym.training.one_step_rms`, which every checkpoint's card holds.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hnn_gym.errors import InputError, checked_arguments
from hnn_gym.worlds.world_model import WorldModel


@dataclass(frozen=True)
class Unforced:
    """Motion of a world without forces, and its true energy.

    Attributes:
        q: positions ``(steps + 1, ..., n)``.
        v: velocities ``(steps + 1, ..., n)``.
        true_energy: in J ``(steps + 1, ...)``; not finite from the step on in which a world blew up.
    """

    q: np.ndarray
    v: np.ndarray
    true_energy: np.ndarray

    @property
    def band(self) -> np.ndarray:
        """Largest minus smallest true energy of each motion in J ``(...)``; inf where it blew up."""
        with np.errstate(invalid="ignore", over="ignore"):
            return _inf_for_nan(self.true_energy.max(axis=0) - self.true_energy.min(axis=0))

    @property
    def largest_change(self) -> np.ndarray:
        """Largest abs(E(t) - E(0)) of the true energy of each motion in J ``(...)``; inf where it blew up."""
        with np.errstate(invalid="ignore", over="ignore"):
            return _inf_for_nan(np.abs(self.true_energy - self.true_energy[0]).max(axis=0))


@checked_arguments
def unforced(world: WorldModel, truth: WorldModel, q: np.ndarray, v: np.ndarray, *, steps: int) -> Unforced:
    """Let ``world`` move without forces from states ``(..., n)``, and compute the energy of ``truth`` along the way.

    Only positions and velocities are passed on, since the two worlds may scale their momenta differently.
    """
    with np.errstate(all="ignore"):
        states = world.state(world.rollout(world.phase_point(q, v), steps=steps))
        energy = truth.energy(truth.phase_point(*states))
    return Unforced(*states, energy)


@checked_arguments
def prediction_error(
    world: WorldModel, observation: np.ndarray, action: np.ndarray, *, scale: np.ndarray
) -> np.ndarray:
    """Error of (predicted - recorded) / scale along windows: the RMS over the entries of an observation.

    Args:
        world: the world to test; it starts at the first observation of each window.
        observation: recorded observations ``(N, k + 1, d)``.
        action: the actions between them ``(N, k, m)``.
        scale: size of every observation entry ``(d,)``.

    Returns:
        ``(N, k + 1)``; 0 at the start, inf from the step on in which the world blew up.

    Raises:
        InputError: the numbers of observations and actions do not fit.
    """
    if observation.shape[1] != action.shape[1] + 1:
        raise InputError(f"{observation.shape[1]} observations need one action less, and there are {action.shape[1]}.")
    observation = np.asarray(observation, np.float64)
    with np.errstate(all="ignore"):
        x = world.rollout(world.encode(observation[:, 0]), np.moveaxis(np.asarray(action, np.float64), 1, 0))
        error = (np.moveaxis(world.decode(x), 0, 1) - observation) / scale
        return _inf_for_nan(np.sqrt(np.mean(error**2, axis=-1)))


def _inf_for_nan(values: np.ndarray) -> np.ndarray:
    return np.where(np.isnan(values), np.inf, values)
