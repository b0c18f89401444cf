"""Learned on three bodies, run on a hundred: H = sum |p|^2 / 2m + sum_{i<j} V(rho_ij), rho^2 = r^2 + eps^2.

A hundred bodies meet closely all the time, and no sample of three shows V at r -> 0. Truth and model therefore
share a known softening eps: V is then smooth in rho >= eps, and three bodies in a disc cover all of it.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from experiments.paper.bodies import BodySettings, body_architecture, fit_bodies
from experiments.paper.data import make_data
from experiments.paper.starts import disc
from experiments.paper.tasks import THREE_BODY
from hnn_gym.physics.dynamics import Dynamics, PortHamiltonian
from hnn_gym.physics.hamiltonians import NBody
from hnn_gym.physics.integrators import Integrator, Yoshida4, Yoshida8
from hnn_gym.physics.phase import split
from hnn_gym.physics.simulate import integrate
from hnn_gym.training.least_squares import LeastSquaresSettings


@dataclass(frozen=True)
class ManyBodySettings:
    """How the pair potential of softened bodies is learned, and on which bodies it is run."""

    softening: float = 0.1
    """eps in m, of truth and model."""
    trajectories: int = 200
    """Number of trajectories of three bodies, for training."""
    bodies: int = 100
    """Number of bodies of the run."""
    radius: float = 2.0
    """Radius of the disc of starts in m; three start in discs of eps to 2.5 times that, which cover all distances."""
    speed: float = 3.0
    """Size of each velocity entry in m/s."""
    duration: float = 1.0
    """Duration of the run in s."""
    steps: int = 1000
    """Number of steps of Yoshida's order 8 over the duration."""
    fit: BodySettings = field(
        default_factory=lambda: BodySettings(force=0.05, optimiser=LeastSquaresSettings(steps=120, chunk=64))
    )
    """The fit."""


def measure_many_bodies(settings: ManyBodySettings, *, seed: int) -> dict[str, Any]:
    """Learn V from three softened bodies, run it on many, and follow the true energy."""
    task = replace(
        THREE_BODY,
        system=NBody(masses=(1.0,) * 3, softening=settings.softening),
        trajectories=settings.trajectories,
        duration=1.0,
        starts=disc(3, 2.5 * settings.radius, 1.0, smallest=settings.softening),
    )
    data = make_data(task, seed=seed)
    x, dx = data.x.reshape(-1, 12), data.dx.reshape(-1, 12)
    fit = replace(settings.fit, softening=settings.softening, seed=seed)
    architecture = body_architecture(x, dx, hidden=fit.hidden, softening=fit.softening)
    parameters = fit_bodies(architecture, x, dx, fit)
    learned = architecture.with_bodies(settings.bodies).build(parameters)
    truth = NBody(masses=(1.0,) * settings.bodies, softening=settings.softening)
    x0 = disc(settings.bodies, settings.radius, settings.speed)(np.random.default_rng([seed, 1]), 1)[0]
    dt = settings.duration / settings.steps
    relative, ends = {}, {}
    for name, dynamics in (("learned", learned), ("true", PortHamiltonian(truth))):
        path = integrate(dynamics, x0, integrator=Yoshida8(), dt=dt, steps=settings.steps)
        energy = truth.energy(path)
        relative[name] = float(np.abs(energy / energy[0] - 1).max())
        ends[name] = path[-1]
    return {
        "bodies": settings.bodies,
        "softening": settings.softening,
        "relative_energy_drift": relative["learned"],
        "relative_energy_drift_of_truth": relative["true"],
        "largest_distance_from_truth_at_the_end": float(np.abs(split(ends["learned"] - ends["true"])[0]).max()),
        "energy": float(truth.energy(x0)),
    }


def measure_symmetries(dynamics: Dynamics, x0: np.ndarray, *, dt: float, steps: int) -> dict[str, float]:
    """Largest drift of momentum and angular momentum (2 dimensions) over ``steps`` of Yoshida's order 4.

    Relative to sum |p_i| and sum |q_i x p_i| at the start, as the totals themselves may vanish.

    Args:
        dynamics: bodies in the plane.
        x0: start points ``(k, 2n)``.
        dt: step in s.
        steps: their number.
    """
    scheme: Integrator = Yoshida4()
    momentum, angular, sizes = _totals(x0)
    worst = [0.0, 0.0]
    x = x0
    for _ in range(0, steps, 100):
        x = integrate(dynamics, x, integrator=scheme, dt=dt, steps=100)[-1]
        new_momentum, new_angular, _ = _totals(x)
        worst[0] = max(worst[0], float((np.abs(new_momentum - momentum).max(-1) / sizes[0]).max()))
        worst[1] = max(worst[1], float((np.abs(new_angular - angular) / sizes[1]).max()))
    return {"steps": steps, "momentum": worst[0], "angular_momentum": worst[1]}


def _totals(x: np.ndarray) -> tuple[np.ndarray, np.ndarray, tuple[np.ndarray, np.ndarray]]:
    q, p = (part.reshape(*part.shape[:-1], -1, 2) for part in split(x))
    spin = q[..., 0] * p[..., 1] - q[..., 1] * p[..., 0]
    return p.sum(-2), spin.sum(-1), (np.linalg.norm(p, axis=-1).sum(-1), np.abs(spin).sum(-1))
