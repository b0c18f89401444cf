"""A scheme on a lattice: every kick and drift is rounded to a multiple of h, so that time can be undone bit for bit.

q and p are integer multiples of h = 2^-k. Sums of such numbers are exact in float64 while abs(x) < 2^53 h, and
rounding is odd, round(-y) = -round(y): a move with -dt subtracts exactly what the move with dt had added, so that the
moves in reverse order undo the step.
Sources: Levesque and Verlet, *J. Stat. Phys.* 72 (1993) 519-537; Rein and Tamayo, *MNRAS* 473 (2018) 3351 (JANUS).
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Protocol, runtime_checkable

from hnn_gym.dynamics import Dynamics, Structure
from hnn_gym.errors import InputError
from hnn_gym.integrators.base import Integrator, Move
from hnn_gym.integrators.leapfrog import Leapfrog
from hnn_gym.phase import Array, join, namespace, split


@runtime_checkable
class KicksAndDrifts(Protocol):
    """A scheme that moves p and q in turn."""

    @property
    def moves(self) -> tuple[Move, ...]:
        """The moves of a step, in order."""

    @property
    def adjoint(self) -> Integrator:
        """The same moves in reverse order."""


@dataclass(frozen=True)
class Lattice(Integrator):
    """An explicit scheme down to the lattice; each kick and drift is a bijection of it that keeps volume.

    Start points have to be on the lattice: :meth:`snap` puts them there, at a distance of at most h / 2.

    Attributes:
        scheme: the scheme, of kicks and drifts: symplectic Euler, leapfrog or Yoshida's.
        bits: k, so that h = 2^-k; 40 leaves abs(x) < 4096 at a resolution of 1e-12.

    Raises:
        InputError: the scheme is none of kicks and drifts.
    """

    symplectic = True
    exact = True
    requires = Structure.SEPARABLE

    scheme: Integrator = field(default_factory=Leapfrog)
    bits: int = 40

    def __post_init__(self) -> None:
        """Check the scheme."""
        if not isinstance(self.scheme, KicksAndDrifts):
            raise InputError(
                f"A lattice needs a scheme of kicks and drifts, such as Leapfrog(), and {type(self.scheme).__name__} "
                "is none."
            )

    @property
    def order(self) -> int:  # type: ignore[override]
        """Of the scheme, down to the lattice."""
        return self.scheme.order

    @property
    def reversible(self) -> bool:  # type: ignore[override]
        """Whether the scheme is its own adjoint; that of another is a lattice too."""
        return self.scheme.reversible

    def snap(self, x: Array) -> Array:
        """The nearest points of the lattice, float64 ``(..., 2n)``; autograd sees x itself, as steps have no slope."""
        nearest = namespace(x).round(x * 2.0**self.bits) * 2.0**-self.bits + 0.0  # no -0.0, which has other bits
        if getattr(x, "requires_grad", False):
            return x + (nearest - x).detach()  # to the bit: the two are within a factor of 2 of each other
        return nearest

    def step(self, dynamics: Dynamics, x: Array, dt: float, u: Array | None = None) -> Array:
        """Advance lattice points ``(..., 2n)`` by ``dt`` seconds under forces ``u`` ``(..., m)``.

        Raises:
            InputError: a point is not on the lattice, beyond its range, or not float64.
        """
        xp = namespace(x)
        if x.dtype != xp.float64:
            raise InputError(f"A lattice needs float64, and the points are {x.dtype}.")
        if not bool(xp.all((self.snap(x) == x) & (xp.abs(x) < 2.0 ** (52 - self.bits)))):
            raise InputError(
                f"Points have to be on the lattice of 2^-{self.bits} and within {2.0 ** (52 - self.bits):g}: start "
                "from snap(x), or take fewer bits."
            )
        assert isinstance(self.scheme, KicksAndDrifts)
        q, p = split(x)
        for kind, weight in self.scheme.moves:
            if kind == "kick":
                p = p + self.snap(weight * dt * dynamics.dpdt(q, p, u))
            else:
                q = q + self.snap(weight * dt * dynamics.dqdt(p))
        return join(q, p)

    @property
    def adjoint(self) -> Lattice:
        """The moves in reverse order: a step of it with -dt undoes a step with dt, to the bit."""
        return replace(self, scheme=self.scheme.adjoint)
