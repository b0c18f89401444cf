"""Time-stepping schemes, one idea a file.

``INTEGRATORS`` finds those of checkpoints by name. ``Lattice`` and ``Compensated`` add up the moves of another scheme
in another way, from start points of their own.
"""

from hnn_gym.physics.integrators.base import Integrator
from hnn_gym.physics.integrators.compensated import Compensated
from hnn_gym.physics.integrators.implicit_midpoint import ImplicitMidpoint
from hnn_gym.physics.integrators.lattice import Lattice
from hnn_gym.physics.integrators.leapfrog import Leapfrog
from hnn_gym.physics.integrators.runge_kutta import Euler, RungeKutta4
from hnn_gym.physics.integrators.symplectic_euler import SymplecticEuler
from hnn_gym.physics.integrators.yoshida import Yoshida4, Yoshida6, Yoshida8

INTEGRATORS: dict[str, type[Integrator]] = {
    scheme.__name__: scheme
    for scheme in (
        SymplecticEuler,
        Leapfrog,
        Yoshida4,
        Yoshida6,
        Yoshida8,
        ImplicitMidpoint,
        RungeKutta4,
        Euler,
    )
}

__all__ = [
    "INTEGRATORS",
    "Compensated",
    "Euler",
    "ImplicitMidpoint",
    "Integrator",
    "Lattice",
    "Leapfrog",
    "RungeKutta4",
    "SymplecticEuler",
    "Yoshida4",
    "Yoshida6",
    "Yoshida8",
]
