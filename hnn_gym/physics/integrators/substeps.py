"""A scheme with a finer step: k steps of dt / k under the same force."""

from __future__ import annotations

from dataclasses import dataclass, field

from hnn_gym.errors import InputError
from hnn_gym.physics.dynamics import Dynamics, Structure
from hnn_gym.physics.integrators.base import Integrator, Move
from hnn_gym.physics.integrators.leapfrog import Leapfrog
from hnn_gym.physics.phase import Array
from hnn_gym.trace import repeat


@dataclass(frozen=True)
class Substeps(Integrator):
    """Steps of ``dt / count``.

    Attributes:
        inner: the scheme of every substep.
        count: k >= 1.

    Raises:
        InputError: there are no substeps, or the scheme is exactly reversible: put it around the substeps.
    """

    inner: Integrator = field(default_factory=Leapfrog)
    count: int = 1

    def __post_init__(self) -> None:
        """Check the count."""
        super().__post_init__()
        if type(self.count) is not int or self.count < 1:
            raise InputError(f"Substeps needs a whole count of at least 1, got {self.count!r}.")
        if self.inner.exact:
            raise InputError(f"Take the substeps inside {type(self.inner).__name__}, not around it.")

    @property
    def order(self) -> int:  # type: ignore[override]
        """The order of the scheme."""
        return self.inner.order

    @property
    def symplectic(self) -> bool:  # type: ignore[override]
        """Whether the scheme is symplectic."""
        return self.inner.symplectic

    @property
    def reversible(self) -> bool:  # type: ignore[override]
        """Whether the scheme is its own adjoint."""
        return self.inner.reversible

    @property
    def requires(self) -> Structure:  # type: ignore[override]
        """What the scheme requires."""
        return self.inner.requires

    @property
    def drifts_last(self) -> bool:  # type: ignore[override]
        """Whether the whole step is one drift at the new velocity."""
        return self.count == 1 and self.inner.drifts_last

    @property
    def sticks(self) -> bool:  # type: ignore[override]
        """Whether dry friction acts in the kicks of the scheme."""
        return self.inner.sticks

    @property
    def iterates(self) -> bool:  # type: ignore[override]
        """Whether a step is the limit of an iteration."""
        return self.inner.iterates

    def step(self, dynamics: Dynamics, x: Array, dt: float, u: Array | None = None) -> Array:
        """Advance phase points ``(..., 2n)`` by ``dt`` seconds under forces ``u`` ``(..., m)``."""
        if self.iterates:  # a traced step is long, and its beginning shares nothing with the end of the one before
            return repeat(lambda at: self.inner.step(dynamics, at, dt / self.count, u), x, times=self.count)
        for _ in range(self.count):
            x = self.inner.step(dynamics, x, dt / self.count, u)
        return x

    @property
    def moves(self) -> tuple[Move, ...]:
        """The kicks and drifts of all substeps.

        Raises:
            AttributeError: the scheme does not consist of kicks and drifts.
        """
        moves: tuple[Move, ...] = self.inner.moves  # type: ignore[attr-defined]
        return tuple((kind, weight / self.count) for _ in range(self.count) for kind, weight in moves)

    @property
    def adjoint(self) -> Substeps:
        """Substeps of the adjoint scheme."""
        return Substeps(self.inner.adjoint, self.count)

    def check(self, dynamics: Dynamics) -> None:
        """Refuse dynamics that the scheme would integrate wrongly."""
        self.inner.check(dynamics)
