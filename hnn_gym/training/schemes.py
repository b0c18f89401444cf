"""Which time-stepping scheme made a recording: found from the positions and velocities, before any model is trained.

The drift of a step says most of it, whatever the forces are:

    explicit Euler: (q' - q) / dt = v,      semi-implicit Euler: (q' - q) / dt = v'.

Where neither holds, a network for the acceleration is trained through each finer scheme, and the one that predicts
held-out steps best is taken. All schemes act on velocities, as those of games and physics engines do.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from hnn_gym.coordinates import Coordinates
from hnn_gym.data import TransitionDataset
from hnn_gym.errors import ConvergenceError
from hnn_gym.physics.integrators import (
    Euler,
    ImplicitMidpoint,
    Integrator,
    InVelocities,
    Leapfrog,
    RungeKutta4,
    Substeps,
    SymplecticEuler,
    Yoshida4,
)
from hnn_gym.training.settings import FitSettings
from hnn_gym.training.splits import split_in_time
from hnn_gym.training.worlds import one_step_rms, train_world

EXPLICIT_EULER: Integrator = InVelocities(Euler())
SEMI_IMPLICIT_EULER: Integrator = InVelocities(SymplecticEuler())
FINER: dict[str, Integrator] = {
    "leapfrog": InVelocities(Leapfrog()),
    "RK4": InVelocities(RungeKutta4()),
    "RK4 in 4 substeps": InVelocities(Substeps(RungeKutta4(), 4)),
}
Scheme = Literal["explicit-euler", "semi-implicit-euler", "symplectic-euler", "leapfrog", "rk4", "yoshida4", "midpoint"]
SCHEMES: dict[str, Integrator] = {
    "explicit-euler": EXPLICIT_EULER,
    "semi-implicit-euler": SEMI_IMPLICIT_EULER,
    "symplectic-euler": SymplecticEuler(),
    "leapfrog": FINER["leapfrog"],
    "rk4": FINER["RK4"],
    "yoshida4": Yoshida4(),
    "midpoint": ImplicitMidpoint(),
}
"""Schemes by the names of the command line; the first two, leapfrog and RK4 act on velocities."""
_NAMES: dict[Integrator, str] = {EXPLICIT_EULER: "explicit Euler", SEMI_IMPLICIT_EULER: "semi-implicit Euler"} | {
    scheme: name for name, scheme in FINER.items()
}
_EXACT = 1e-3
"""Largest residual of a drift, as a share of the velocities, for a scheme that is said to have made the data."""
_CLEARLY = 0.1
"""That residual has to be smaller than the others by this factor."""
_BETTER = 0.9
"""A costlier scheme is taken if its error is smaller than that of a cheaper one by this factor."""
_STEPS = 200
"""Transitions that the networks are trained on."""
_FIT = FitSettings(adam_steps=40, lbfgs_steps=0, least_squares_steps=12)


@dataclass(frozen=True)
class SchemeChoice:
    """A scheme and why it was chosen.

    Attributes:
        scheme: acts on velocities.
        evidence: the figures that were compared, by the name of each candidate.
        words: the choice as a sentence.
    """

    scheme: Integrator
    evidence: dict[str, float]
    words: str

    @property
    def name(self) -> str:
        """The usual name of the scheme."""
        return _NAMES.get(self.scheme, type(self.scheme).__name__)


def choose_scheme(dataset: TransitionDataset, coordinates: Coordinates, *, dt: float, seed: int = 0) -> SchemeChoice:
    """Choose the scheme that made a recording.

    Args:
        dataset: the recording.
        coordinates: what its entries are; where a velocity is not observed, nothing can be compared.
        dt: time step in s.
        seed: of the networks' first weights.
    """
    if any(coordinates.unobserved):
        return SchemeChoice(FINER["RK4"], {}, "The velocities are not observed, so that the scheme is not known: RK4.")
    drift = _drift_residuals(dataset, coordinates, dt)
    for scheme, rival in ((EXPLICIT_EULER, SEMI_IMPLICIT_EULER), (SEMI_IMPLICIT_EULER, EXPLICIT_EULER)):
        own = drift[_NAMES[scheme]]
        if own < _EXACT and own < _CLEARLY * min(drift[_NAMES[rival]], drift["the mean of both"]):
            words = f"The recording was made by {_NAMES[scheme]}: its drift fits to {own:.1e} of the velocities."
            return SchemeChoice(scheme, drift, words)
    errors = _errors_of_networks(dataset, coordinates, dt, seed)
    best = next(iter(FINER))
    for name in FINER:
        if errors[name] < _BETTER * errors[best]:
            best = name
    listed = ", ".join(f"{name} {error:.1e}" for name, error in errors.items())
    words = f"The recording is closest to {best}: one-step errors on held-out steps are {listed}."
    return SchemeChoice(FINER[best], errors, words)


def _drift_residuals(dataset: TransitionDataset, coordinates: Coordinates, dt: float) -> dict[str, float]:
    """Median of abs((q' - q) / dt - w) for w = v, v' and their mean, as shares of the velocities' size."""
    steps = dataset.transitions()
    before, after = (np.asarray(o, np.float64) for o in (steps.observation, steps.next_observation))
    q, v = coordinates.state(before)
    next_q, next_v = coordinates.state(coordinates.unwrapped(after, before))
    seen = np.array([degree.position is not None or degree.is_angle for degree in coordinates.degrees])
    moving = ~np.array(coordinates.fixed) & seen
    rate = next_q - q
    angles, durations = np.array(coordinates.angles), dataset.durations()
    seconds = dt if durations is None else durations[:, None]
    rate = np.where(angles, (rate + np.pi) % (2 * np.pi) - np.pi, rate) / seconds
    size = np.sqrt(np.mean(v**2, axis=0)) + 1e-300
    free = _free(coordinates, next_q, next_v)

    def residual(w: np.ndarray) -> float:
        relative = np.abs(rate - w) / size
        return max(float(np.median(relative[free[:, i], i])) for i in np.flatnonzero(moving) if free[:, i].any())

    return {
        _NAMES[EXPLICIT_EULER]: residual(v),
        _NAMES[SEMI_IMPLICIT_EULER]: residual(next_v),
        "the mean of both": residual((v + next_v) / 2),
    }


def _free(coordinates: Coordinates, q: np.ndarray, v: np.ndarray) -> np.ndarray:
    """Which states ``(N, n)`` meet neither a speed limit nor a wall."""
    free = np.ones(q.shape, bool)
    for i, degree in enumerate(coordinates.degrees):
        if degree.speed_limit is not None:
            free[:, i] &= np.abs(v[:, i]) < degree.speed_limit * (1 - 1e-6)
        if degree.stops is not None:
            low, high, _ = degree.stops
            free[:, i] &= (q[:, i] > low) & (q[:, i] < high)
    return free


def _errors_of_networks(dataset: TransitionDataset, coordinates: Coordinates, dt: float, seed: int) -> dict[str, float]:
    """One-step error on held-out steps of a network for the acceleration, trained through each finer scheme."""
    kept, held_out = split_in_time(dataset)
    kept = kept.take_steps(min(kept.num_steps, _STEPS))
    errors = {}
    for name, scheme in FINER.items():
        try:
            world = train_world(
                kept,
                "second-order",
                settings=replace(_FIT, seed=seed),
                options={"hidden": (12,)},
                coordinates=coordinates,
                integrator=scheme,
                dt=dt,
            )
            errors[name] = one_step_rms(world, held_out)
        except ConvergenceError:
            errors[name] = float("inf")
    return errors
