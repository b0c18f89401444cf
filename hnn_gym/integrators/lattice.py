"""Leapfrog on a lattice: every kick and drift is rounded to a multiple of h, so that time can be undone bit for bit.

q and p are integer multiples of h = 2^-k. Sums of such numbers are exact in float64 while abs(x) < 2^53 h, and
rounding is odd, round(-y) = -round(y): a step with -dt subtracts exactly what a step with dt had added.
Sources: Levesque and Verlet, *J. Stat. Phys.* 72 (1993) 519-537; Rein and Tamayo, *MNRAS* 473 (2018) 3351 (JANUS).
"""

from __future__ import annotations

from dataclasses import dataclass

from hnn_gym.dynamics import Dynamics, Structure
from hnn_gym.errors import InputError
from hnn_gym.integrators.base import Integrator
from hnn_gym.phase import Array, join, namespace, split


@dataclass(frozen=True)
class LatticeLeapfrog(Integrator):
    """Order 2 down to the lattice; each kick and drift is a bijection of the lattice that keeps volume.

    Start points have to be on the lattice: :meth:`snap` puts them there, at a distance of at most h / 2.

    Attributes:
        bits: k, so that h = 2^-k; 40 leaves abs(x) < 4096 at a resolution of 1e-12.
    """

    order = 2
    symplectic = True
    reversible = True
    requires = Structure.SEPARABLE

    bits: int = 40

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
            raise InputError(f"LatticeLeapfrog needs float64, and the points are {x.dtype}.")
        if not bool(xp.all((self.snap(x) == x) & (xp.abs(x) < 2.0 ** (52 - self.bits)))):
            raise InputError(
                f"LatticeLeapfrog needs points on its lattice of 2^-{self.bits} and within "
                f"{2.0 ** (52 - self.bits):g}: start from snap(x), or take fewer bits."
            )
        q, p = split(x)
        p = p + self.snap(dt / 2 * dynamics.dpdt(q, p, u))
        q = q + self.snap(dt * dynamics.dqdt(p))
        p = p + self.snap(dt / 2 * dynamics.dpdt(q, p, u))
        return join(q, p)

    @property
    def adjoint(self) -> LatticeLeapfrog:
        """Itself: a step with -dt undoes a step with dt, to the bit."""
        return self
