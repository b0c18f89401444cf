"""Positions as network inputs: an angle becomes (cos q, sin q), a position q / scale.

Rigid bodies are turned by sums and differences of joint angles. With ``combined`` the cosines and sines of these are
inputs too: of pairs for a network, of all combinations for a trigonometric polynomial.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations, product
from typing import Literal

import numpy as np

from hnn_gym.physics.phase import Array, namespace

Combined = Literal["none", "pairs", "all", "products"]


@dataclass(frozen=True)
class Features:
    """The map phi(q), its pull-back and its derivative along a velocity.

    Attributes:
        angles: which degrees of freedom are angles.
        scales: typical size of every position (not used for angles); infinite: it is always 0 as an input.
        combined: which sums and differences of angles are inputs beside the angles themselves: "none", those of
            "pairs", or "all" with coefficients -1, 0 and 1, and the squares of the positions; "products" are all of
            these, and the products of two positions, as of bodies that a spring connects.
        fixed: which degrees of freedom are constants of the episode: inputs like the others, along which nothing
            changes, so that their part of a pull-back is 0. (): none are.
    """

    angles: tuple[bool, ...]
    scales: tuple[float, ...]
    combined: Combined = "none"
    fixed: tuple[bool, ...] = ()

    @cached_property
    def size(self) -> int:
        """Entries of phi(q)."""
        return 2 * len(self._turns) + (2 if self._squared else 1) * len(self._lengths) + len(self._products)

    @property
    def names(self) -> tuple[str, ...]:
        """What the entries are where degrees of freedom are combined: "cos(q0 + q1)", "sin(q1)", "q0", "q0^2"."""
        angles = []
        for row in self._turns:
            first, *others = [(sign, f"q{i}") for i, sign in enumerate(row) if sign]
            angles.append(first[1] + "".join(f" {'+' if sign > 0 else '-'} {name}" for sign, name in others))
        lengths = [f"q{i}" for i in self._lengths]
        squares = [f"{name}^2" for name in lengths] if self._squared else []
        products = [f"{lengths[a]} {lengths[b]}" for a, b in self._products]
        return (*(f"cos({a})" for a in angles), *(f"sin({a})" for a in angles), *lengths, *squares, *products)

    @property
    def units(self) -> tuple[float, ...]:
        """What each of these is divided by to make an entry: the scale of a position, 1 for an angle."""
        lengths = [self.scales[i] for i in self._lengths]
        squares = [scale**2 for scale in lengths] if self._squared else []
        products = [lengths[a] * lengths[b] for a, b in self._products]
        return (*(1.0,) * (2 * len(self._turns)), *lengths, *squares, *products)

    @cached_property
    def plain(self) -> bool:
        """Whether phi takes every degree of freedom by itself."""
        return self.combined == "none" or (self.combined == "pairs" and sum(self.angles) < 2)

    @cached_property
    def only_angles(self) -> bool:
        """Whether every degree of freedom is an angle."""
        return all(self.angles)

    def __call__(self, q: Array) -> Array:
        """Phi ``(..., size)`` at positions ``(..., n)``.

        Degree by degree; where all are angles or are combined, all cosines, then all sines, positions and squares.
        """
        xp = namespace(q)
        if not self.plain:
            lengths = self._scaled(q)
            squares = [length * length for length in lengths] if self._squared else []
            products = [lengths[a] * lengths[b] for a, b in self._products]
            return xp.concat([*self._circles(q), *lengths, *squares, *products], axis=-1)
        if self.only_angles:
            return xp.concat([xp.cos(q), xp.sin(q)], axis=-1)
        parts = []
        for i, (angle, scale) in enumerate(zip(self.angles, self.scales, strict=True)):
            qi = q[..., i : i + 1]
            parts += [xp.cos(qi), xp.sin(qi)] if angle else [qi / scale]
        return xp.concat(parts, axis=-1)

    def pullback(self, q: Array, cotangent: Array) -> Array:
        """Turn a gradient by phi ``(..., size)`` into one by q ``(..., n)``, which is 0 where q is fixed."""
        slope = self._pulled_back(q, cotangent)
        if not any(self.fixed):
            return slope
        parts = [0 * q[..., i : i + 1] if fixed else slope[..., i : i + 1] for i, fixed in enumerate(self.fixed)]
        return namespace(q).concat(parts, axis=-1)

    def _pulled_back(self, q: Array, cotangent: Array) -> Array:
        xp, n = namespace(q), len(self.angles)
        if not self.plain:
            k, lengths = len(self._turns), len(self._lengths)
            slope = 0 * q
            if k:
                cos, sin = self._circles(q)
                slope = (cotangent[..., k : 2 * k] * cos - cotangent[..., :k] * sin) @ self._matrix(q)
            if not lengths:
                return slope
            along = cotangent[..., 2 * k : 2 * k + lengths]
            if self._squared:
                squares = cotangent[..., 2 * k + lengths : 2 * (k + lengths)]
                along = along + 2 * xp.concat(self._scaled(q), axis=-1) * squares
            if self._products:
                along = along + self._of_products(q, cotangent[..., 2 * (k + lengths) :])
            return slope + self._spread(q, along)
        if self.only_angles:
            return cotangent[..., n:] * xp.cos(q) - cotangent[..., :n] * xp.sin(q)
        parts, k = [], 0
        for i, (angle, scale) in enumerate(zip(self.angles, self.scales, strict=True)):
            qi, ck = q[..., i : i + 1], cotangent[..., k : k + 1]
            if angle:
                parts.append(cotangent[..., k + 1 : k + 2] * xp.cos(qi) - ck * xp.sin(qi))
            else:
                parts.append(ck / scale)
            k += 2 if angle else 1
        return xp.concat(parts, axis=-1)

    def rate(self, q: Array, v: Array) -> Array:
        """dphi/dt ``(..., size)`` at positions that move with velocities ``(..., n)``."""
        xp = namespace(q)
        if not self.plain:
            lengths = self._scaled(v)
            at = self._scaled(q)
            squares = [2 * a * b for a, b in zip(at, lengths, strict=True)] if self._squared else []
            products = [at[a] * lengths[b] + at[b] * lengths[a] for a, b in self._products]
            circles = []
            if self._turns:
                (cos, sin), speed = self._circles(q), v @ self._matrix(q).T
                circles = [-speed * sin, speed * cos]
            return xp.concat([*circles, *lengths, *squares, *products], axis=-1)
        if self.only_angles:
            return xp.concat([-v * xp.sin(q), v * xp.cos(q)], axis=-1)
        parts = []
        for i, (angle, scale) in enumerate(zip(self.angles, self.scales, strict=True)):
            qi, vi = q[..., i : i + 1], v[..., i : i + 1]
            parts += [-vi * xp.sin(qi), vi * xp.cos(qi)] if angle else [vi / scale]
        return xp.concat(parts, axis=-1)

    @cached_property
    def _turns(self) -> tuple[tuple[int, ...], ...]:
        """Coefficients of the angles, one combination a row: the angles themselves first, then sums and differences."""
        at = [i for i, angle in enumerate(self.angles) if angle]
        most = {"none": 1, "pairs": 2}.get(self.combined, len(at))
        found = []
        for signs in product((0, 1, -1), repeat=len(at)):
            if 0 < sum(map(abs, signs)) <= most and next(sign for sign in signs if sign) > 0:
                row = [0] * len(self.angles)
                for i, sign in zip(at, signs, strict=True):
                    row[i] = sign
                found.append(tuple(row))
        return tuple(sorted(found, key=lambda row: (sum(map(abs, row)), [-abs(entry) for entry in row])))

    @property
    def _squared(self) -> bool:
        return self.combined in ("all", "products")

    @cached_property
    def _products(self) -> tuple[tuple[int, int], ...]:
        """Pairs of the positions that are multiplied, as places among these; those that are always 0 are in none."""
        if self.combined != "products":
            return ()
        fixed = self.fixed or (False,) * len(self.angles)
        seen = [k for k, i in enumerate(self._lengths) if self.scales[i] < math.inf and not fixed[i]]
        return tuple(combinations(seen, 2))

    def _of_products(self, q: Array, cotangent: Array) -> Array:
        """Gradients with respect to the scaled positions ``(..., lengths)`` of their products."""
        at = self._scaled(q)
        parts = [0 * length for length in at]
        for place, (a, b) in enumerate(self._products):
            weight = cotangent[..., place : place + 1]
            parts[a] = parts[a] + weight * at[b]
            parts[b] = parts[b] + weight * at[a]
        return namespace(q).concat(parts, axis=-1)

    @cached_property
    def _lengths(self) -> tuple[int, ...]:
        return tuple(i for i, angle in enumerate(self.angles) if not angle)

    def _circles(self, q: Array) -> list[Array]:
        """Cosines and sines of the combined angles, if there are any."""
        if not self._turns:
            return []
        xp, turned = namespace(q), q @ self._matrix(q).T
        return [xp.cos(turned), xp.sin(turned)]

    def _matrix(self, like: Array) -> Array:
        return namespace(like).asarray(self._combinations, dtype=like.dtype, device=getattr(like, "device", None))

    @cached_property
    def _combinations(self) -> np.ndarray:
        return np.array(self._turns, dtype=float)

    def _scaled(self, q: Array) -> list[Array]:
        return [q[..., i : i + 1] / self.scales[i] for i in self._lengths]

    def _spread(self, q: Array, cotangent: Array) -> Array:
        """Gradients with respect to the scaled positions, put where the positions are, and 0 for angles."""
        xp = namespace(q)
        parts, k = [], 0
        for i, angle in enumerate(self.angles):
            parts.append(0 * q[..., i : i + 1] if angle else cotangent[..., k : k + 1] / self.scales[i])
            k += 0 if angle else 1
        return xp.concat(parts, axis=-1)
