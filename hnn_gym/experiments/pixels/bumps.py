"""Joules in latent space: what a bump of the learned H changes, by the learned H and by the true energy.

A bump leaves q alone and moves p. The true change is told twice: by the true energy at the latent state, mapped to the
true angle and velocity; and by what is seen, the mean true energy of the angles read off the frames that are dreamt and
decoded over the next seconds, with the bump minus without.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from hnn_gym.bump import bump
from hnn_gym.experiments.pixels.films import Film, true_energy
from hnn_gym.experiments.pixels.forecasts import energies_by_angle, forecast
from hnn_gym.pixel_world import PixelWorld

REQUESTS = (1.0, -1.0)
"""In J."""
_MOMENTS = (0, 100, 200, 300, 400)
_SEEN = 100


def measure(seen: PixelWorld, film: Film, *, context: int, offset: float) -> dict[str, Any]:
    """Bump five moments of every filmed motion, dreamt on from its frames.

    Args:
        seen: a latent world with an H.
        film: unforced motions.
        context: steps between the frames from which a state is estimated.
        offset: angle of the latent's origin, to compare with the truth.

    Returns:
        For every request: the number of states; how many had less to give and were clipped; and for all others the
        mean and largest abs(change - request) in J, by the learned H and by the true energy of state and frames.
    """
    world = seen.world
    dreamt = forecast(seen, film.frames[:, : context + 1], steps=max(_MOMENTS))
    q, v = (part[:, list(_MOMENTS)].reshape(-1, 1) for part in dreamt)
    x = world.phase_point(q, v)
    before = _seen_energy(seen, x, offset)
    told: dict[str, Any] = {}
    for joules in REQUESTS:
        done = bump(world.dynamics.hamiltonian, x, joules)
        kept = ~done.clipped
        states = (np.concatenate([at + offset, speed], axis=-1) for at, speed in ((q, v), world.state(done.x)))
        energy, raised = (true_energy(state) for state in states)
        changes = {
            "learned_H": done.realised,
            "true_energy_of_the_state": raised - energy,
            "true_energy_of_the_frames": _seen_energy(seen, done.x, offset) - before,
        }
        told[f"{joules:+g} J"] = {"states": len(x), "clipped": int(done.clipped.sum())} | {
            name: _errors(change[kept] - joules) for name, change in changes.items()
        }
    return told


def _seen_energy(seen: PixelWorld, x: np.ndarray, offset: float) -> np.ndarray:
    """Mean true energy ``(N,)`` in J of what is seen in the next five seconds of an unforced dream."""
    path = seen.world.rollout(x, np.zeros((_SEEN, len(x), len(seen.world.coordinates.controls))))
    angle = seen.codec.encode(seen.codec.decode(seen.world.state(path)[0]))[..., 0].T + offset
    return energies_by_angle(angle, dt=abs(seen.world.dt)).mean(axis=1)


def _errors(error: np.ndarray) -> dict[str, float]:
    return {"mean_error_J": float(np.abs(error).mean()), "largest_error_J": float(np.abs(error).max())}
