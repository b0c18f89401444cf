"""The drag of a fluid on the links of a planar chain: forces that only take energy.

A link feels the fluid at one point of its axis, its centre of drag. The velocity of this point is taken apart into w_1
along the link and w_2 across it, and w_3 is the rate at which the link turns. Against each of them acts

    F_k = -(a_k + b_k abs(w_k)) w_k,    a_k, b_k >= 0,

linear as where viscosity rules and quadratic as where inertia does. With dphi/dt the rates of absolute angles and
shifts, and r_ij the reach of motion j at the centre of drag of link i,

    w_1 = sum_j r_ij sin(phi_j - phi_i) dphi_j/dt,    w_2 = sum_j r_ij cos(phi_j - phi_i) dphi_j/dt,

up to signs that do not matter, and the generalised forces are those of least power: the transposed map of F.

Source of the force on one body: MuJoCo's documentation, *Computation*, passive forces, inertia model of the fluid.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hnn_gym.physics.hamiltonians import ChainKinematics
from hnn_gym.physics.phase import Array, namespace


@dataclass(frozen=True)
class LinkDrag:
    """The drag on all links of a chain, as a generalised force.

    Attributes:
        kinematics: what the degrees of freedom are.
        reach: r ``(L, n)`` of every link, in m, and 1 for shifts: see :func:`reach`.
        linear: a ``(3, L)`` along, across and against turning, in N s/m, N s/m and N m s.
        quadratic: b ``(3, L)``, in N s^2/m^2, N s^2/m^2 and N m s^2.
    """

    kinematics: ChainKinematics
    reach: Array
    linear: Array
    quadratic: Array

    def motions(self, q: Array) -> tuple[Array, Array]:
        """The maps of rates to w_1 and w_2 at positions ``(..., n)``, each ``(..., L, n)``."""
        xp, phi = namespace(q), self.kinematics.phases(q)
        links = phi @ _like(q, self.kinematics.links).T
        between = phi[..., None, :] - links[..., :, None]
        return self.reach * xp.sin(between), self.reach * xp.cos(between)

    def __call__(self, q: Array, v: Array, u: Array | None) -> Array:
        """The force ``(..., n)`` at positions and velocities ``(..., n)``."""
        xp, rates = namespace(q), self.kinematics.absolutes(v)
        links = _like(q, self.kinematics.links)
        along, across = self.motions(q)
        force = 0 * rates
        for k, motion in enumerate((along, across)):
            w = (motion * rates[..., None, :]).sum(-1)
            against = (self.linear[k] + self.quadratic[k] * xp.abs(w)) * w
            force = force - (motion * against[..., :, None]).sum(-2)
        w = rates @ links.T
        force = force - ((self.linear[2] + self.quadratic[2] * xp.abs(w)) * w) @ links
        return self.kinematics.pulled_back(force)


def reach(kinematics: ChainKinematics, lengths: Array, centres: Array) -> Array:
    """R ``(L, n)`` of links whose next joints lie ``lengths`` ``(L - 1,)`` from their own along their axes, in m.

    Args:
        kinematics: of the chain.
        lengths: from the joint of every link but the last to the next joint; negative: against its axis.
        centres: from the joint of every link to its centre of drag ``(L,)``.
    """
    links = kinematics.links
    count = len(links)
    shifts = links.sum(0) == 0
    fixed = np.tile(shifts.astype(float), (count, 1))
    to_next = np.zeros((max(count - 1, 1), count, kinematics.n))
    for j in range(count - 1):
        to_next[j, j + 1 :] = links[j]
    own = links[:, None, :] * np.eye(count)[:, :, None]
    xp = namespace(centres)
    found = _like(centres, fixed) + xp.reshape(centres @ _like(centres, own.reshape(count, -1)), (count, kinematics.n))
    if count == 1:
        return found
    return found + xp.reshape(lengths @ _like(centres, to_next.reshape(count - 1, -1)), (count, kinematics.n))


def _like(some: Array, array: np.ndarray) -> Array:
    return namespace(some).asarray(array, dtype=some.dtype, device=getattr(some, "device", None))
