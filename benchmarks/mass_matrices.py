"""Steps of a mass matrix M(q), traced and not: ``python -m benchmarks.mass_matrices``.

An arm of two links with a model of the size that suits Acrobot-v1, drawn and not trained: polynomials of the joint
angles, and networks. Untraced, the step runs on arrays of NumPy, as it did for every M(q) before loops were traced.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.timing import Row, compared, report, rounds, timed
from hnn_gym.command import run
from hnn_gym.models.architecture import Variables
from hnn_gym.models.mechanical import MechanicalHNN
from hnn_gym.physics.dynamics import PortHamiltonian
from hnn_gym.physics.integrators import (
    Euler,
    ImplicitMidpoint,
    Integrator,
    InVelocities,
    RungeKutta4,
    Substeps,
    SymplecticEuler,
)
from hnn_gym.trace import batch_code, scalar_code, trace

COMMAND = "python -m benchmarks.mass_matrices --out docs/results/mass_matrices.json"
DT, COPIES = 0.05, 1024
ARM = Variables(
    angles=(True, True),
    position_scales=(1.0, 1.0),
    velocity_scales=(2.0, 3.0),
    acceleration_scales=(5.0, 5.0),
    control_degrees=(1,),
    force_scales=(1.0,),
    in_physical_units=True,
)
MODELS = {
    "polynomials": MechanicalHNN(ARM, hidden=(), mass_matrix="full"),
    "networks of 32": MechanicalHNN(ARM, hidden=(32,), mass_matrix="full"),
}
SCHEMES: dict[str, Integrator] = {
    "implicit midpoint": ImplicitMidpoint(),
    "4 substeps of implicit midpoint": Substeps(ImplicitMidpoint(), 4),
    "semi-implicit Euler in velocities": InVelocities(SymplecticEuler()),
    "explicit Euler": Euler(),
    "RK4 in velocities": InVelocities(RungeKutta4()),
}


@dataclass(frozen=True)
class Settings:
    """Compare traced with untraced steps of a mass matrix."""

    out: Path | None = None
    """JSON file for the results; None only prints them."""
    repeats: int = 15
    """Rounds of every comparison."""
    quick: bool = False
    """One round of one scheme: does it run at all?"""


def contestants(dynamics: PortHamiltonian, scheme: Integrator) -> dict[str, Callable[[], float]]:
    """Traced and untraced steps of one state and of :data:`COPIES`."""
    program = trace(lambda x, u: {"x": scheme.step(dynamics, x, DT, u)}, x=4, u=1)
    one, many = scalar_code.compiled(program, {}), batch_code.compiled(program, COPIES, np.float64)
    rng = np.random.default_rng(0)
    x, u = rng.normal(size=(COPIES, 4)), rng.normal(size=(COPIES, 1))
    columns, after = np.asfortranarray(x), np.empty((COPIES, 4), order="F")
    state, force = x[0].tolist(), u[0].tolist()
    return {
        "one": timed(functools.partial(one, state, force), repeat=100),
        "one, untraced": timed(functools.partial(scheme.step, dynamics, x[0], DT, u[0]), repeat=2),
        "many": timed(functools.partial(many, columns, u, after), repeat=3, units=COPIES),
        "many, untraced": timed(functools.partial(scheme.step, dynamics, x, DT, u), repeat=1, units=COPIES),
    }


def _main(settings: Settings) -> None:
    rows: list[Row] = []
    cases = [(model, scheme) for model in MODELS for scheme in SCHEMES]
    for model, scheme in cases[:1] if settings.quick else cases:
        architecture = MODELS[model]
        dynamics = architecture.build(architecture.initial_parameters(np.random.default_rng(0)))
        seconds = rounds(contestants(dynamics, SCHEMES[scheme]), 1 if settings.quick else settings.repeats)
        for name, what in (("one", "one state"), ("many", f"{COPIES:,} states")):
            rows.append(compared(f"{model}, {scheme}, {what} / untraced", seconds, name, f"{name}, untraced"))
    report(rows, command=COMMAND, out=settings.out)


if __name__ == "__main__":
    run(_main, Settings, prog="python -m benchmarks.mass_matrices")
