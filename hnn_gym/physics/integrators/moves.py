"""Schemes that move p and q in turn, and what can be made of such a scheme by adding its moves up in another way."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Protocol, Self, runtime_checkable

from hnn_gym.errors import InputError
from hnn_gym.physics.dynamics import Structure
from hnn_gym.physics.integrators.base import Integrator, Move
from hnn_gym.physics.integrators.leapfrog import Leapfrog


@runtime_checkable
class KicksAndDrifts(Protocol):
    """A scheme that moves p and q in turn."""

    @property
    def moves(self) -> tuple[Move, ...]:
        """The moves of a step, in order."""


@dataclass(frozen=True)
class Resummed(Integrator):
    """The moves of a scheme; a subclass says how they are added to the phase point.

    Attributes:
        scheme: the scheme, of kicks and drifts: symplectic Euler, leapfrog or Yoshida's.

    Raises:
        InputError: the scheme does not consist of kicks and drifts.
    """

    symplectic = True
    requires = Structure.SEPARABLE

    scheme: Integrator = field(default_factory=Leapfrog)

    def __post_init__(self) -> None:
        """Check the scheme."""
        super().__post_init__()
        if getattr(self.scheme, "moves", None) is None:  # not isinstance, which does not run the property
            raise InputError(
                f"{type(self).__name__} needs a scheme of kicks and drifts, such as Leapfrog(), and "
                f"{type(self.scheme).__name__} does not consist of them."
            )

    @property
    def moves(self) -> tuple[Move, ...]:
        """The moves of a step, in order."""
        assert isinstance(self.scheme, KicksAndDrifts)
        return self.scheme.moves

    @property
    def order(self) -> int:  # type: ignore[override]
        """Of the scheme."""
        return self.scheme.order

    @property
    def reversible(self) -> bool:  # type: ignore[override]
        """Whether the scheme is its own adjoint."""
        return self.scheme.reversible

    @property
    def adjoint(self) -> Self:
        """The same with the moves in reverse order: a step of it with -dt undoes a step with dt."""
        return replace(self, scheme=self.scheme.adjoint)
