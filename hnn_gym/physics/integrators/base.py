"""One step x(t) -> x(t + dt) of a scheme, with u held constant over the step (zero-order hold)."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import ClassVar, Literal

from hnn_gym.errors import InputError, check_fields, instance
from hnn_gym.physics.dynamics import Dynamics, Structure, VectorField
from hnn_gym.physics.phase import Array

_WANTED = {Structure.SPLIT: "dq/dt that depends on p alone", Structure.SEPARABLE: "a separable Hamiltonian"}
_REMEDY = "use ImplicitMidpoint(), or train a model with T(p) + V(q), such as 'separable' or 'mechanical'"

Move = tuple[Literal["kick", "drift"], float]
"""Part of a step: p + weight dt dp/dt at the present q, or q + weight dt dq/dt at the present p."""


class Integrator(ABC):
    """A scheme. Stateless: all that varies is in the arguments of :meth:`step`.

    Attributes:
        order: global error is O(dt^order).
        symplectic: M^T J M = J for the Jacobian M of a step of conservative dynamics.
        reversible: a step with -dt undoes a step with dt.
        exact: a step of the adjoint with -dt undoes a step to the last bit, and not but for rounding.
        requires: the structure the dynamics must have.
        drifts_last: a step ends with q' = q + dt v' at the new velocity, so that a limit of the speed also limits the
            way, as in games; also for a network that learns a whole step of such a game.
        sticks: dry friction acts in its kicks, so that what sticks stays where it is.
        iterates: a step is the limit of an iteration.
    """

    order: ClassVar[int]
    symplectic: ClassVar[bool]
    reversible: ClassVar[bool]
    exact: ClassVar[bool] = False
    requires: ClassVar[Structure]
    drifts_last: ClassVar[bool] = False
    sticks: ClassVar[bool] = False
    iterates: ClassVar[bool] = False

    def __post_init__(self) -> None:
        """Check the types of the settings.

        Raises:
            InputError: a setting has another type than the scheme declares.
        """
        check_fields(self)

    @abstractmethod
    def step(self, dynamics: Dynamics, x: Array, dt: float, u: Array | None = None) -> Array:
        """Advance phase points ``(..., 2n)`` by ``dt`` seconds under forces ``u`` ``(..., m)``.

        Where every point has a time step of its own, ``dt`` is an array ``(..., 1)``.
        """

    def snap(self, x: Array) -> Array:
        """The nearest phase points ``(..., 2n)`` that the scheme can start from: x itself, unless it says otherwise."""
        return x

    @property
    @abstractmethod
    def adjoint(self) -> Integrator:
        """The scheme whose step with -dt undoes a step of this one.

        Raises:
            InputError: there is no such explicit scheme.
        """

    def check(self, dynamics: Dynamics) -> None:
        """Refuse dynamics that this scheme would integrate wrongly.

        Raises:
            InputError: these are no dynamics, they lack the structure that ``requires`` names, or they have dry
                friction that the scheme ignores.
        """
        instance(dynamics, "The dynamics to step", VectorField)  # type: ignore[type-abstract]
        if dynamics.dry is not None and not self.sticks:
            raise InputError(
                f"{type(self).__name__} has no kicks in which dry friction could act: use SymplecticEuler() or "
                "Leapfrog(), with Substeps and InVelocities where needed."
            )
        if dynamics.structure < self.requires:
            holder = dynamics.hamiltonian if dynamics.hamiltonian is not None else dynamics
            damped = dynamics.structure == Structure.SPLIT and self.requires == Structure.SEPARABLE
            what = "is not one" if self.requires == Structure.SEPARABLE else "is not of that kind"
            what = "has forces that depend on p" if damped else what
            remedy = "use ImplicitMidpoint() or SymplecticEuler()" if damped else _REMEDY
            raise InputError(
                f"{type(self).__name__} needs {_WANTED[self.requires]}, and {type(holder).__name__} {what}: {remedy}."
            )
