"""Joules in latent space: the energy change of a bump of the learned H, by the learned H and by the true energy.

A bump keeps q and changes p. The true change is measured in two ways: by the true energy at the latent state, mapped to
the true angle and velocity; and by the frames, as the mean true energy of the angles read off frames that are dreamt
and decoded over the next seconds, with the bump minus without. In symplectic Euler p and q are half a step apart, so
that even the true map with exactly the same bump shows another change, which is reported beside.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from experiments.pixels.films import Film, true_energy
from experiments.pixels.forecasts import energies_by_angle, forecast
from hnn_gym.physics.bumps import bump
from hnn_gym.systems import true_world
from hnn_gym.worlds.pixel_world import PixelWorld
from hnn_gym.worlds.world_model import WorldModel

REQUESTS = (1.0, -1.0)
"""In J."""
_MOMENTS = (0, 100, 200, 300, 400)
_SEEN = 100


def measure(seen: PixelWorld, film: Film, *, context: int, offset: float) -> dict[str, Any]:
    """Bump five moments of every filmed motion, which a dream continues from its frames.

    Args:
        seen: a latent world with an H.
        film: unforced motions.
        context: steps between the frames from which a state is estimated.
        offset: angle of the latent's origin, to compare with the truth.

    Returns:
        For every request: the number of states; how many had too little energy and were clipped; and for all others
        the mean and largest abs(change - request) in J, by the learned H, by the true energy of state and frames, and
        by that of the angles of the true map; and the difference of frames and true map.
    """
    world = seen.world
    dreamt = forecast(seen, film.frames[:, : context + 1], steps=max(_MOMENTS))
    q, v = (part[:, list(_MOMENTS)].reshape(-1, 1) for part in dreamt)
    x = world.phase_point(q, v)
    before = _seen_energy(seen, x, offset)
    truth = true_world("Pendulum-v1")
    real = truth.phase_point(q + offset, v)
    really = _angles_energy(truth, real)
    measured: dict[str, Any] = {}
    for joules in REQUESTS:
        done = bump(world.dynamics.hamiltonian, x, joules)
        kept = ~done.clipped
        states = (np.concatenate([at + offset, speed], axis=-1) for at, speed in ((q, v), world.state(done.x)))
        energy, raised = (true_energy(state) for state in states)
        shown = _seen_energy(seen, done.x, offset) - before
        mapped = _angles_energy(truth, bump(truth.dynamics.hamiltonian, real, joules).x) - really
        errors = {
            "learned_H": done.realised - joules,
            "true_energy_of_the_state": raised - energy - joules,
            "true_energy_of_the_frames": shown - joules,
            "true_energy_of_the_true_map": mapped - joules,
            "frames_against_the_true_map": shown - mapped,
        }
        measured[f"{joules:+g} J"] = {"states": len(x), "clipped": int(done.clipped.sum())} | {
            name: _statistics(error[kept]) for name, error in errors.items()
        }
    return measured


def _seen_energy(seen: PixelWorld, x: np.ndarray, offset: float) -> np.ndarray:
    """Mean true energy ``(N,)`` in J that the frames show in the next five seconds of an unforced dream."""
    angle = seen.codec.encode(seen.codec.decode(_positions(seen.world, x)))[..., 0].T + offset
    return energies_by_angle(angle, dt=abs(seen.world.dt)).mean(axis=1)


def _angles_energy(truth: WorldModel, x: np.ndarray) -> np.ndarray:
    """The same of the true map."""
    return energies_by_angle(_positions(truth, x)[..., 0].T, dt=abs(truth.dt)).mean(axis=1)


def _positions(world: WorldModel, x: np.ndarray) -> np.ndarray:
    """Positions ``(T + 1, N, 1)`` of an unforced motion."""
    return world.state(world.rollout(x, np.zeros((_SEEN, len(x), len(world.coordinates.controls)))))[0]


def _statistics(error: np.ndarray) -> dict[str, float]:
    return {"mean_error_J": float(np.abs(error).mean()), "largest_error_J": float(np.abs(error).max())}
