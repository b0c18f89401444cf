"""A scheme on a lattice: every kick and drift is rounded to a multiple of h, so that time can be undone bit for bit.

q and p are integer multiples of h = 2^-k. Sums of such numbers are exact in float64 while abs(x) < 2^53 h, and
rounding is odd, round(-y) = -round(y): a move with -dt subtracts exactly what the move with dt had added, so that the
moves in reverse order undo the step.
Sources: Levesque and Verlet, *J. Stat. Phys.* 72 (1993) 519-537; Rein and Tamayo, *MNRAS* 473 (2018) 3351 (JANUS).
"""

from __future__ import annotations

from dataclasses import dataclass

from hnn_gym.errors import InputError
from hnn_gym.physics.dynamics import Dynamics
from hnn_gym.physics.integrators.moves import Resummed
from hnn_gym.physics.phase import Array, join, namespace, split


@dataclass(frozen=True)
class Lattice(Resummed):
    """An explicit scheme down to the lattice; each kick and drift is a bijection of it that keeps volume.

    Start points have to be on the lattice: :meth:`snap` puts them there, at a distance of at most h / 2.

    Attributes:
        bits: k, so that h = 2^-k; 40 leaves abs(x) < 4096 at a resolution of 1e-12.
    """

    exact = True

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
            InputError: a point is not on the lattice or not float64, or it is beyond the range of the lattice before or
                after the step. A step that leaves could not be undone.
        """
        xp, limit = namespace(x), 2.0 ** (52 - self.bits)
        if x.dtype != xp.float64:
            raise InputError(f"A lattice needs float64, and the points are {x.dtype}.")
        if not bool(xp.all((self.snap(x) == x) & (xp.abs(x) < limit))):
            raise InputError(
                f"Points have to be on the lattice of 2^-{self.bits} and within {limit:g}: start from snap(x), or take "
                "fewer bits."
            )
        q, p = split(x)
        for kind, weight in self.moves:
            if kind == "kick":
                p = p + self.snap(weight * dt * dynamics.dpdt(q, p, u))
            else:
                q = q + self.snap(weight * dt * dynamics.dqdt(p))
        new = join(q, p)
        if not bool(xp.all(xp.abs(new) < limit)):
            raise InputError(
                f"The step leads beyond {limit:g}, where the lattice of 2^-{self.bits} ends, and could not be undone: "
                "turn back before it, or take fewer bits."
            )
        return new
