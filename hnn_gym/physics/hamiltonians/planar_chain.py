"""A planar chain of rigid links, with or without a cart: one complex number for each pair of links.

With phi_i the absolute angle of link i, measured in the plane from a fixed direction, every body of the chain moves as
sum_j c_j exp(i phi_j) dphi_j/dt, so that H = v^T M v / 2 + V with

    M_ij = Re(h_ij exp(i (phi_j - phi_i))) = A_ij cos(phi_i - phi_j) + B_ij sin(phi_i - phi_j),    h = A + i B,
    V    = sum_i a_i (cos phi_i - 1) + b_i sin phi_i,

and a constant Hermitian positive h. Where the centre of mass of every link lies on its axis and all angles are measured
from the direction of the axis, B = 0. A cart is a degree of freedom whose direction is constant, phi = 0, and along
which V is linear. A base that floats in the plane has two, along the axis of a link at phi = 0 and across it: their phi
are -pi / 2 and 0, and they share one row of h. The only inertial force in Lagrange's equations is the centrifugal one,

    sum_j M_ij d^2 phi_j/dt^2 + N_ij (dphi_j/dt)^2 + dV/dphi_i = force_i,    N_ij = dM_ij/dphi_j.

Source: Featherstone, *Rigid Body Dynamics Algorithms*, 2008, section 2.14, for one plane.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from hnn_gym.errors import InputError, check_fields
from hnn_gym.physics.phase import Array, join, namespace, split
from hnn_gym.physics.small_matrices import solve_positive


@dataclass(frozen=True)
class ChainKinematics:
    """How the degrees of freedom turn and shift the links.

    Attributes:
        angles: which degrees of freedom are angles of links; the others are shifts in a constant direction: one is a
            cart's, across links whose angle is 0, two are those of a free base, the first along such links and the
            second across them, so that they are x and y where angles count from x towards y.
        absolute: angles are absolute; otherwise each is measured from the link before.

    Raises:
        InputError: there are more than two shifts, which a plane does not have.
    """

    angles: tuple[bool, ...]
    absolute: bool = False

    def __post_init__(self) -> None:
        """Check that the shifts are those of a plane."""
        check_fields(self)
        if self.n - sum(self.angles) > 2:
            shifts = self.n - sum(self.angles)
            raise InputError(f"A planar chain is shifted in two directions at most, not in {shifts}.")

    @property
    def n(self) -> int:
        """Degrees of freedom."""
        return len(self.angles)

    @cached_property
    def turns(self) -> np.ndarray:
        """1 for every angle and 0 for every shift ``(n,)``."""
        return np.array(self.angles, dtype=float)

    @cached_property
    def sums(self) -> np.ndarray:
        """T ``(n, n)`` in phi = T q: absolute angles of the degrees of freedom, and shifts as they are."""
        if self.absolute:
            return np.eye(self.n)
        return np.tril(np.outer(self.turns, self.turns)) + np.diag(1 - self.turns)

    @cached_property
    def directions(self) -> np.ndarray:
        """The constant phi of the shifts, and 0 for angles ``(n,)``."""
        shifts = np.flatnonzero(self.turns == 0)
        return -np.pi / 2 * np.isin(np.arange(self.n), shifts[:-1])

    @cached_property
    def rows(self) -> np.ndarray:
        """Which row of h a degree of freedom has, as rows of the identity ``(n, m)``: two shifts share the first."""
        if self.n - sum(self.angles) < 2:
            return np.eye(self.n)
        row = (self.turns * np.cumsum(self.turns)).astype(int)
        return np.eye(row.max() + 1)[row]

    @cached_property
    def separations(self) -> np.ndarray:
        """What phi_i - phi_j of the pairs i < j is of phi, as columns ``(n, pairs)``."""
        one, other = np.triu_indices(self.n, 1)
        return np.eye(self.n)[:, one] - np.eye(self.n)[:, other]

    @cached_property
    def places(self) -> np.ndarray:
        """Where a pair i < j stands in an antisymmetric matrix, +1 at ij and -1 at ji ``(pairs, n n)``."""
        one, other = np.triu_indices(self.n, 1)
        places = np.zeros((len(one), self.n, self.n))
        pairs = range(len(one))
        places[pairs, one, other], places[pairs, other, one] = 1.0, -1.0
        return places.reshape(len(one), self.n**2)

    @cached_property
    def links(self) -> np.ndarray:
        """Which degree of freedom turns each link, as rows of the identity ``(L, n)``."""
        return np.eye(self.n)[list(self.angles)]

    def phases(self, q: Array) -> Array:
        """Phi ``(..., n)`` of positions."""
        phi = self.absolutes(q) * _like(q, self.turns)
        return phi + _like(q, self.directions) if self.directions.any() else phi

    def absolutes(self, q: Array) -> Array:
        """Absolute angles, and shifts, ``(..., n)`` of positions, or their rates of velocities."""
        return q if self.absolute else q @ _like(q, self.sums).T

    def joints(self, w: Array) -> Array:
        """Positions ``(..., n)`` of absolute angles and shifts, or velocities of their rates."""
        return w if self.absolute else w @ _like(w, self.differences).T

    def pulled_back(self, force: Array) -> Array:
        """Generalised forces on the degrees of freedom ``(..., n)`` of those on absolute angles and shifts."""
        return force if self.absolute else force @ _like(force, self.sums)

    def pushed(self, force: Array) -> Array:
        """Generalised forces on absolute angles and shifts ``(..., n)`` of those on the degrees of freedom."""
        return force if self.absolute else force @ _like(force, self.differences)

    @cached_property
    def differences(self) -> np.ndarray:
        """The inverse of T ``(n, n)``."""
        return np.linalg.inv(self.sums)


@dataclass(frozen=True)
class Link:
    """One rigid link.

    Attributes:
        mass: in kg.
        length: from its joint to the next joint in m.
        centre: from its joint to its centre of mass, along the link, in m.
        inertia: about its centre of mass in kg m^2.

    Raises:
        InputError: one of them is not a number.
    """

    mass: float
    length: float
    centre: float
    inertia: float = 0.0

    def __post_init__(self) -> None:
        """Check the numbers."""
        check_fields(self)


@dataclass(frozen=True)
class PlanarChain:
    """H of a planar chain.

    Attributes:
        kinematics: what the degrees of freedom are.
        even: A ``(n, n)``, symmetric, in kg m^2 between two angles, kg m between an angle and a shift, kg between
            shifts.
        odd: B ``(n, n)``, antisymmetric, in the same units.
        cosines: a ``(n,)`` in J, 0 for shifts.
        sines: b ``(n,)`` in J; for shifts the slope of V in N.
        rotors: inertia ``(n,)`` that each degree of freedom has by itself, such as that of a geared motor: it is added
            to the diagonal of M of the degrees of freedom as they are observed; None: they have none.
    """

    kinematics: ChainKinematics
    even: Array
    odd: Array
    cosines: Array
    sines: Array
    rotors: Array | None = None

    @classmethod
    def of_links(
        cls,
        links: Sequence[Link],
        *,
        gravity: float,
        upright: bool,
        cart: float | None = None,
        absolute: bool = False,
    ) -> PlanarChain:
        """Return the chain of links, the first at a fixed pivot or on a cart that moves sideways.

        Args:
            links: from the pivot to the tip.
            gravity: in m/s^2.
            upright: angles are measured from the upright; otherwise from hanging down.
            cart: mass of the cart in kg, whose position is the first degree of freedom; None: there is none.
            absolute: angles are absolute; otherwise each is measured from the link before.
        """
        beyond = [sum(link.mass for link in links[i + 1 :]) for i in range(len(links))]
        moments = np.array([link.mass * link.centre + m * link.length for link, m in zip(links, beyond, strict=True)])
        even = np.zeros((len(links), len(links)))
        for i, (link, m) in enumerate(zip(links, beyond, strict=True)):
            even[i, i] = link.inertia + link.mass * link.centre**2 + m * link.length**2
            even[i, i + 1 :] = even[i + 1 :, i] = link.length * moments[i + 1 :]
        cosines = (gravity if upright else -gravity) * moments
        if cart is not None:
            total = cart + sum(link.mass for link in links)
            even = np.block([[np.array([[total]]), moments[None]], [moments[:, None], even]])
            cosines = np.append(0.0, cosines)
        kinematics = ChainKinematics((False,) * (cart is not None) + (True,) * len(links), absolute)
        return cls(kinematics, even, 0 * even, cosines, 0 * cosines)

    @property
    def n(self) -> int:
        """Degrees of freedom."""
        return self.kinematics.n

    @property
    def quadratic_kinetic(self) -> bool:
        """T = p M(q)^-1 p / 2."""
        return True

    def energy(self, x: Array) -> Array:
        """H at phase points ``(..., 2n)``; shape ``(...)``."""
        q, p = split(x)
        return (p * self.velocity(q, p)).sum(-1) / 2 + self.potential(q)

    def gradient(self, x: Array) -> Array:
        """Grad H at phase points ``(..., 2n)``; same shape."""
        q, p = split(x)
        mass, slope = self._mass(q)
        w = solve_positive(mass, self.kinematics.pushed(p))
        turning = w * _like(w, self.kinematics.turns)
        dq = self._potential_slope(q) + turning * _applied(slope, w)
        return join(self.kinematics.pulled_back(dq), self.kinematics.joints(w))

    def momentum(self, q: Array, v: Array) -> Array:
        """Momenta p = M(q) v of velocities ``(..., n)``."""
        return self.kinematics.pulled_back(_applied(self._mass(q)[0], self.kinematics.absolutes(v)))

    def velocity(self, q: Array, p: Array) -> Array:
        """Velocities v = M(q)^-1 p of momenta ``(..., n)``."""
        return self.kinematics.joints(solve_positive(self._mass(q)[0], self.kinematics.pushed(p)))

    def force(self, q: Array, v: Array) -> Array:
        """-dH/dq at positions and velocities ``(..., n)``."""
        w = self.kinematics.absolutes(v)
        turning = w * _like(w, self.kinematics.turns)
        return -self.kinematics.pulled_back(self._potential_slope(q) + turning * _applied(self._mass(q)[1], w))

    def mass_matrix(self, q: Array) -> Array:
        """M ``(..., n, n)`` of the degrees of freedom as they are observed, at positions ``(..., n)``."""
        mass = self._mass(q)[0]
        if self.kinematics.absolute:
            return mass
        sums = _like(q, self.kinematics.sums)
        return sums.T @ mass @ sums

    def acceleration(self, q: Array, v: Array, force: Array | float) -> Array:
        """Lagrange's equations: dv/dt at positions and velocities ``(..., n)`` under a further generalised force."""
        mass, slope = self._mass(q)
        w = self.kinematics.absolutes(v)
        centrifugal = _applied(slope, w * w * _like(w, self.kinematics.turns))
        force = self.kinematics.pushed(force + 0 * v) - centrifugal - self._potential_slope(q)
        return self.kinematics.joints(solve_positive(mass, force))

    def potential(self, q: Array) -> Array:
        """V at positions ``(..., n)``; shape ``(...)``; 0 at the origin."""
        xp, phi, turns = namespace(q), self.kinematics.absolutes(q), _like(q, self.kinematics.turns)
        cosines, sines = _like(q, self.cosines), _like(q, self.sines)
        return (cosines * (xp.cos(phi) - 1) + sines * (turns * xp.sin(phi) + (1 - turns) * phi)).sum(-1)

    def _potential_slope(self, q: Array) -> Array:
        """Derivatives of V by absolute angles and shifts ``(..., n)``."""
        xp, phi, turns = namespace(q), self.kinematics.absolutes(q), _like(q, self.kinematics.turns)
        cosines, sines = _like(q, self.cosines), _like(q, self.sines)
        return -cosines * xp.sin(phi) + sines * (turns * xp.cos(phi) + 1 - turns)

    def _mass(self, q: Array) -> tuple[Array, Array]:
        """M and N between absolute angles and shifts ``(..., n, n)``."""
        xp, phi, n = namespace(q), self.kinematics.phases(q), self.n
        between = phi @ _like(q, self.kinematics.separations)
        same, signs = _like(q, np.abs(self.kinematics.places)), _like(q, self.kinematics.places)
        shape = (*q.shape[:-1], n, n)
        cos = _like(q, np.eye(n)) + xp.reshape(xp.cos(between) @ same, shape)
        sin = xp.reshape(xp.sin(between) @ signs, shape)
        even, odd = _like(q, self.even), _like(q, self.odd)
        mass, slope = even * cos + odd * sin, even * sin - odd * cos
        if self.rotors is not None:
            back = _like(q, self.kinematics.differences)
            mass = mass + back.T @ (_like(q, self.rotors)[:, None] * back)
        return mass, slope


def _like(some: Array, array: Array) -> Array:
    """An array in the library of another one; parameters that are trained are in it already."""
    if not isinstance(array, np.ndarray):
        return array
    return namespace(some).asarray(array, dtype=some.dtype, device=getattr(some, "device", None))


def _applied(matrix: Array, vector: Array) -> Array:
    return (matrix * vector[..., None, :]).sum(-1)
