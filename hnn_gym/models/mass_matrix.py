"""A mass matrix that depends on the positions, as a network or as a polynomial.

The network gives A in M(q) = S (1 + A(q)^T A(q)) S, which is positive by construction; S is diagonal and constant. A
diagonal M(q) has one entry of A for each degree of freedom. With A' = dA/dq v along a motion, the two inertial terms of
Lagrange's equations are

    d/dq (v^T M v / 2) = (dA/dq)^T [w (S v)^T]        with w = A S v,
    (dM/dt) v          = S (A'^T w + A^T A' S v).

For rigid bodies with revolute joints the entries of M are trigonometric polynomials of the joint angles. A polynomial M
is linear in its coefficients, which makes it quick to fit and exact for them, and positive where the data determine it.

Sources: Lutter, Ritter, Peters, *Deep Lagrangian Networks*, ICLR 2019, eqs. 6 to 10 (with a Cholesky factor for A);
Featherstone, *Rigid Body Dynamics Algorithms*, 2008, section 2.14 (M(q) of a tree of joints).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from hnn_gym.models.features import Features
from hnn_gym.models.mlp import MLP, LinearMap
from hnn_gym.physics.phase import Array, namespace
from hnn_gym.physics.small_matrices import solve_positive


class MassAt(Protocol):
    """The mass matrix at given positions."""

    def times(self, v: Array) -> Array:
        """M v of velocities ``(..., n)``."""

    def solve(self, p: Array) -> Array:
        """M^-1 p of momenta ``(..., n)``."""

    def inertial(self, v: Array) -> tuple[Array, Array]:
        """d/dq (v^T M v / 2) and (dM/dt) v at velocities ``(..., n)``, each ``(..., n)``."""


class MassMatrix(Protocol):
    """M as a function of the positions."""

    def at(self, q: Array) -> MassAt:
        """M at positions ``(..., n)``."""


@dataclass(frozen=True)
class ConstantMass:
    """A constant diagonal M.

    Attributes:
        inertia: m, a number or ``(n,)``.
    """

    inertia: Array | float

    def at(self, q: Array) -> ConstantMass:
        """Itself."""
        return self

    def times(self, v: Array) -> Array:
        """M v of velocities ``(..., n)``."""
        return v * self.inertia

    def solve(self, p: Array) -> Array:
        """M^-1 p of momenta ``(..., n)``."""
        return p / self.inertia

    def inertial(self, v: Array) -> tuple[Array, Array]:
        """Zeros."""
        return 0 * v, 0 * v


@dataclass(frozen=True)
class _PolynomialAt:
    matrix: Array
    push: LinearMap
    pull: LinearMap
    entries: Array

    def times(self, v: Array) -> Array:
        return _applied(self.matrix, v)

    def solve(self, p: Array) -> Array:
        return solve_positive(self.matrix, p)

    def inertial(self, v: Array) -> tuple[Array, Array]:
        xp, n = namespace(v), v.shape[-1]
        outer = xp.reshape(v[..., :, None] * v[..., None, :], (*v.shape[:-1], n * n))
        rate = xp.reshape(self.push(v) @ self.entries, self.matrix.shape)
        return self.pull(outer @ self.entries.T / 2), _applied(rate, v)


@dataclass(frozen=True)
class PolynomialMass:
    """M_ij(q) = c_ij + sum_k c_ijk phi_k(q).

    Attributes:
        slopes: the coefficients of phi, one row for each of the n (n + 1) / 2 pairs of degrees of freedom, as a network
            without hidden layers.
        constant: the constant coefficients of the pairs.
        features: phi.
        entries: ``(n (n + 1) / 2, n^2)``: which entries of the flattened M are those of a pair.
    """

    slopes: MLP
    constant: Array
    features: Features
    entries: Array

    def at(self, q: Array) -> MassAt:
        """M at positions ``(..., n)``."""
        value, push, pull = self.slopes.linear_at(self.features(q))
        n = q.shape[-1]
        matrix = namespace(q).reshape((self.constant + value) @ self.entries, (*q.shape[:-1], n, n))
        return _PolynomialAt(
            matrix,
            lambda v: push(self.features.rate(q, v)),
            lambda cotangent: self.features.pullback(q, pull(cotangent)),
            self.entries,
        )


@dataclass(frozen=True)
class _Network:
    """A(q) as a constant and a network.

    Attributes:
        network: with as many outputs as the constant has entries.
        constant: A without the network, flattened.
        features: phi.
    """

    network: MLP
    constant: Array
    features: Features

    def at(self, q: Array) -> tuple[Array, LinearMap, LinearMap]:
        """A, and its derivative as maps: velocities to rates of A, and cotangents of A to those of q."""
        value, push, pull = self.network.linear_at(self.features(q))
        return (
            self.constant + value,
            lambda v: push(self.features.rate(q, v)),
            lambda cotangent: self.features.pullback(q, pull(cotangent)),
        )


@dataclass(frozen=True)
class _DiagonalAt:
    factor: Array
    push: LinearMap
    pull: LinearMap
    inertia: Array | float

    def times(self, v: Array) -> Array:
        return self.inertia * (1 + self.factor * self.factor) * v

    def solve(self, p: Array) -> Array:
        return p / (self.inertia * (1 + self.factor * self.factor))

    def inertial(self, v: Array) -> tuple[Array, Array]:
        weighed = self.inertia * self.factor * v
        return self.pull(weighed * v), 2 * weighed * self.push(v)


@dataclass(frozen=True)
class DiagonalMass(_Network):
    """M_ii(q) = m_i (1 + a_i(q)^2).

    Attributes:
        inertia: m, a number or ``(n,)``.
    """

    inertia: Array | float = 1.0

    def at(self, q: Array) -> MassAt:  # type: ignore[override]
        """M at positions ``(..., n)``."""
        return _DiagonalAt(*super().at(q), self.inertia)


@dataclass(frozen=True)
class _FullAt:
    factor: Array
    push: LinearMap
    pull: LinearMap
    root: Array

    def times(self, v: Array) -> Array:
        scaled = self.root * v
        return self.root * (scaled + _transposed(self.factor, _applied(self.factor, scaled)))

    def solve(self, p: Array) -> Array:
        xp, n = namespace(p), p.shape[-1]
        gram = (self.factor[..., :, :, None] * self.factor[..., :, None, :]).sum(-3)
        identity = xp.eye(n, dtype=p.dtype, device=getattr(p, "device", None))
        return solve_positive(gram + identity, p / self.root) / self.root

    def inertial(self, v: Array) -> tuple[Array, Array]:
        xp, scaled = namespace(v), self.root * v
        moved = _applied(self.factor, scaled)
        rate = xp.reshape(self.push(v), self.factor.shape)
        outer = moved[..., :, None] * scaled[..., None, :]
        slope = self.pull(xp.reshape(outer, (*v.shape[:-1], outer.shape[-2] * outer.shape[-1])))
        turned = _transposed(rate, moved) + _transposed(self.factor, _applied(rate, scaled))
        return slope, self.root * turned


@dataclass(frozen=True)
class FullMass(_Network):
    """M(q) = S (1 + A(q)^T A(q)) S.

    Attributes:
        root: the diagonal of S ``(n,)``.
        rows: rows of A.
    """

    root: Array = 1.0
    rows: int = 1

    def at(self, q: Array) -> MassAt:  # type: ignore[override]
        """M at positions ``(..., n)``."""
        flat, push, pull = super().at(q)
        factor = namespace(q).reshape(flat, (*q.shape[:-1], self.rows, q.shape[-1]))
        return _FullAt(factor, push, pull, self.root)


def _applied(A: Array, v: Array) -> Array:
    """A v."""
    return (A * v[..., None, :]).sum(-1)


def _transposed(A: Array, w: Array) -> Array:
    """A^T w."""
    return (A * w[..., :, None]).sum(-2)
