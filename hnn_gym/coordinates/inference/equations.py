"""How well equations of motion of a given form explain a recording: what the topology and the controls are judged by.

A mechanical system satisfies, for every degree of freedom i and over every step,

    d(v_i) + sum_{j != i} sum_f c_jf d(f v_j)  =  integral of sum_f f (c + sum c v_j + sum c v_j v_k + sum c u) dt,

linear in the unknown c, with f the functions of q that occur in its mass matrix and its potential: powers of positions,
sines and cosines of angles, and their products. Where a step is fine the integral is Simpson's rule through the cubic
that q and v at both ends determine, of fourth order; the games' Euler steps take the value at the beginning.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import combinations_with_replacement
from typing import NamedTuple

import numpy as np

from hnn_gym.coordinates.inference.regression import held_out_share

_ROWS = 1500
_ROWS_PER_COLUMN = 4
_MOST_COLUMNS = 250
_AS_GOOD = 2.0
_FINE = (0.2, 0.8)
"""Leans of schemes whose steps are fine enough for Simpson's rule."""


@dataclass(frozen=True)
class Form:
    """Which terms the equations have.

    Attributes:
        products: functions of q are multiplied by each other in pairs.
        squares: there are products of velocities.
    """

    products: bool
    squares: bool


FORMS = (Form(False, False), Form(False, True), Form(True, True))
"""Simplest first."""


class Responses(NamedTuple):
    """Responses of the changes of velocities to controls, each ``(m, n)``.

    Attributes:
        share: to one standard deviation of the control, as a share of the standard deviation of the changes.
        significance: the same over its standard error, a t statistic.
        effect: to one unit of the control, over what the regression leaves of the changes.
    """

    share: np.ndarray
    significance: np.ndarray
    effect: np.ndarray


def simplest_of(errors: Sequence[np.ndarray]) -> int:
    """Which of the errors of forms, simplest first, to judge by: the first about as good as the best.

    In a form richer than is needed, powers can stand for sines, and one equation for another: a simple one is sharper.
    """
    means = [float(np.mean(np.log(each))) for each in errors]
    return next(i for i, mean in enumerate(means) if mean <= min(means) + np.log(_AS_GOOD))


class Equations:
    """Transitions of the degrees of freedom that have a velocity, ready to be explained.

    Attributes:
        n: their number.
        forms: those whose terms are few enough for the number of transitions, simplest first; maybe none.
    """

    def __init__(
        self,
        q: tuple[np.ndarray, np.ndarray],
        v: tuple[np.ndarray, np.ndarray],
        u: np.ndarray,
        *,
        placed: Sequence[bool],
        dt: float,
        lean: float,
    ) -> None:
        """Hold positions and velocities before and after every step, each ``(N, n)``, and controls ``(N, m)``.

        Args:
            q: positions; those of ``placed`` False are not looked at.
            v: velocities.
            u: control vectors, or indicators of whole-number actions.
            placed: which degrees of freedom have a position.
            dt: time of a step.
            lean: of the scheme, see :mod:`hnn_gym.coordinates.inference.derivatives`.
        """
        rows = np.random.default_rng(0).permutation(len(u))[:_ROWS]
        self._q0, self._q1 = (values[rows] for values in q)
        self._v0, self._v1 = (values[rows] for values in v)
        self._u = u[rows]
        self.n = self._v0.shape[1]
        self._placed = [i for i in range(self.n) if placed[i]]
        self._scale = np.maximum(np.sqrt(np.mean(self._v0**2, axis=0)), 1e-300)
        self._fine = _FINE[0] < lean < _FINE[1]
        self._qm = (self._q0 + self._q1) / 2 + dt / 8 * (self._v0 - self._v1)
        self._vm = (self._v0 + self._v1) / 2
        known = self._placed
        self._vm[:, known] = 1.5 / dt * (self._q1 - self._q0)[:, known] - (self._v0 + self._v1)[:, known] / 4
        most = min(_MOST_COLUMNS, len(rows) // _ROWS_PER_COLUMN)
        self.forms = tuple(form for form in FORMS if self._columns(form) <= most)

    def _columns(self, form: Form) -> int:
        functions = 2 * len(self._placed)
        if form.products:
            functions += functions * (functions + 1) // 2
        terms = 1 + self.n + self._u.shape[1] + (self.n * (self.n + 1) // 2 if form.squares else 0)
        return (1 + functions) * (terms + self.n - 1)

    def errors(
        self,
        angles: Sequence[bool],
        form: Form,
        *,
        frequencies: dict[int, float] | None = None,
        without_square: int | None = None,
        mixed: np.ndarray | None = None,
    ) -> np.ndarray:
        """Median error of every equation on rows kept aside, as a share of the median change of velocity ``(n,)``.

        Args:
            angles: which positions enter through sine and cosine; the others enter through powers.
            form: of the terms.
            frequencies: for some angles, the number k in sin(k q), cos(k q); 1 for the others.
            without_square: leave v_k^2 of this degree of freedom out.
            mixed: the controls are these combinations of the columns given ``(m, k)``; None: the columns themselves.
        """

        def functions(q: np.ndarray) -> np.ndarray:
            return self._functions(q, angles, frequencies or {}, products=form.products)

        def terms(v: np.ndarray) -> np.ndarray:
            u = self._u if mixed is None else self._u @ mixed
            return np.concatenate([self._velocities(v, form, without_square), u], axis=1)

        forces, inertial = self._columns_of(functions, terms)
        changes = (self._v1 - self._v0) / self._scale
        found = [
            held_out_share(np.concatenate([forces, *inertial[:i], *inertial[i + 1 :]], axis=1), changes[:, i])
            for i in range(self.n)
        ]
        return np.maximum(np.array(found), 1e-9)

    def responses(self, angles: Sequence[bool], form: Form) -> Responses:
        """How velocities respond to controls at once, no other acceleration being known."""
        forces, _ = self._columns_of(
            lambda q: self._functions(q, angles, {}, products=form.products), lambda v: self._velocities(v, form, None)
        )
        changes = (self._v1 - self._v0) / np.maximum((self._v1 - self._v0).std(axis=0), 1e-300)
        m = self._u.shape[1]
        columns = np.concatenate([self._u - self._u.mean(axis=0), forces], axis=1)
        size = np.maximum(np.sqrt(np.mean(columns**2, axis=0)), 1e-300)
        inverse = np.linalg.pinv(columns / size, rcond=1e-9)
        weights = inverse @ changes
        spread = np.sqrt((inverse[:m] ** 2).sum(axis=1))
        left = (changes - columns / size @ weights).std(axis=0) + 1e-6
        share = weights[:m]
        return Responses(share, share / (spread[:, None] * left), share / size[:m, None] / left)

    def _columns_of(
        self, functions: Callable[[np.ndarray], np.ndarray], terms: Callable[[np.ndarray], np.ndarray]
    ) -> tuple[np.ndarray, list[np.ndarray]]:
        """The columns of the integrals, and those of d(f v_j) for every j."""
        f0, v0 = functions(self._q0), self._v0 / self._scale
        if self._fine:
            f1, v1 = functions(self._q1), self._v1 / self._scale
            middle = _outer(terms(self._vm), functions(self._qm))
            forces = (_outer(terms(self._v0), f0) + 4 * middle + _outer(terms(self._v1), f1)) / 6
        else:
            f1, v1 = f0, self._v1 / self._scale
            forces = _outer(terms(self._v0), f0)
        return forces, [f1 * v1[:, j : j + 1] - f0 * v0[:, j : j + 1] for j in range(self.n)]

    def _velocities(self, v: np.ndarray, form: Form, without_square: int | None) -> np.ndarray:
        """1, velocities and their products ``(N, terms)``."""
        scaled = v / self._scale
        columns = [np.ones(len(v)), *scaled.T]
        if form.squares:
            for j, k in combinations_with_replacement(range(self.n), 2):
                if not j == k == without_square:
                    columns.append(scaled[:, j] * scaled[:, k])
        return np.stack(columns, axis=1)

    def _functions(
        self, q: np.ndarray, angles: Sequence[bool], frequencies: dict[int, float], *, products: bool
    ) -> np.ndarray:
        """The functions f of positions ``(N, functions)``, 1 first; of slow angles they are those of positions."""
        found = [np.ones(len(q))]
        for i in self._placed:
            if angles[i]:
                k = frequencies.get(i, 1.0)
                found += [np.sin(k * q[:, i]) / k, 2 * (1 - np.cos(k * q[:, i])) / k**2]
            else:
                found += [q[:, i], q[:, i] ** 2]
        if products:
            found += [a * b for a, b in combinations_with_replacement(found[1:], 2)]
        return np.stack(found, axis=1)


def _outer(terms: np.ndarray, functions: np.ndarray) -> np.ndarray:
    return (terms[:, :, None] * functions[:, None, :]).reshape(len(terms), -1)
