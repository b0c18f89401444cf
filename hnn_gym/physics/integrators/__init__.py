"""Time-stepping schemes, one idea a file.

``INTEGRATORS`` finds the plain ones by name; ``InVelocities``, ``StopsApart`` and ``Substeps`` make another scheme
of one of them.
``Lattice`` and ``Compensated`` add up the moves of a scheme in another way, from start points of their own.
"""

from hnn_gym.physics.integrators.base import Integrator
from hnn_gym.physics.integrators.compensated import Compensated
from hnn_gym.physics.integrators.gauss import Gauss4
from hnn_gym.physics.integrators.generalised_euler import GeneralisedEuler
from hnn_gym.physics.integrators.implicit_midpoint import ImplicitMidpoint
from hnn_gym.physics.integrators.in_velocities import InVelocities, VelocityForm
from hnn_gym.physics.integrators.lattice import Lattice
from hnn_gym.physics.integrators.leapfrog import Leapfrog
from hnn_gym.physics.integrators.named import IMPLICIT, NAMES, in_velocities, named_scheme, scheme_name
from hnn_gym.physics.integrators.runge_kutta import Euler, RungeKutta4
from hnn_gym.physics.integrators.serialise import INTEGRATORS, integrator_from_json, integrator_to_json
from hnn_gym.physics.integrators.stops_apart import StopsApart
from hnn_gym.physics.integrators.substeps import Substeps
from hnn_gym.physics.integrators.symplectic_euler import SymplecticEuler
from hnn_gym.physics.integrators.yoshida import Yoshida4, Yoshida6, Yoshida8

__all__ = [
    "IMPLICIT",
    "INTEGRATORS",
    "NAMES",
    "Compensated",
    "Euler",
    "Gauss4",
    "GeneralisedEuler",
    "ImplicitMidpoint",
    "InVelocities",
    "Integrator",
    "Lattice",
    "Leapfrog",
    "RungeKutta4",
    "StopsApart",
    "Substeps",
    "SymplecticEuler",
    "VelocityForm",
    "Yoshida4",
    "Yoshida6",
    "Yoshida8",
    "in_velocities",
    "integrator_from_json",
    "integrator_to_json",
    "named_scheme",
    "scheme_name",
]
