"""The physics: phase space, dynamics, true systems, integrators, energy bumps and trajectories.

Nothing in here needs torch or Gymnasium. Every function takes NumPy arrays, torch tensors or traced arrays.
"""

from typing import TYPE_CHECKING

from hnn_gym.lazy import lazy_exports

if TYPE_CHECKING:
    from hnn_gym.physics.bumps import Bump, bump
    from hnn_gym.physics.dynamics import Dynamics, Hamiltonian, PortHamiltonian, SeparableHamiltonian, Structure
    from hnn_gym.physics.hamiltonians import Mechanical, NBody, Pendulum, Spring
    from hnn_gym.physics.integrators import (
        INTEGRATORS,
        Compensated,
        Euler,
        ImplicitMidpoint,
        Integrator,
        Lattice,
        Leapfrog,
        RungeKutta4,
        SymplecticEuler,
        Yoshida4,
        Yoshida6,
        Yoshida8,
    )
    from hnn_gym.physics.phase import Array, join, namespace, split, symplectic_gradient, symplectic_matrix
    from hnn_gym.physics.reference import reference_trajectory
    from hnn_gym.physics.simulate import integrate, rollout

__all__ = [
    "INTEGRATORS",
    "Array",
    "Bump",
    "Compensated",
    "Dynamics",
    "Euler",
    "Hamiltonian",
    "ImplicitMidpoint",
    "Integrator",
    "Lattice",
    "Leapfrog",
    "Mechanical",
    "NBody",
    "Pendulum",
    "PortHamiltonian",
    "RungeKutta4",
    "SeparableHamiltonian",
    "Spring",
    "Structure",
    "SymplecticEuler",
    "Yoshida4",
    "Yoshida6",
    "Yoshida8",
    "bump",
    "integrate",
    "join",
    "namespace",
    "reference_trajectory",
    "rollout",
    "split",
    "symplectic_gradient",
    "symplectic_matrix",
]
__getattr__, __dir__ = lazy_exports(__name__)
