"""Velocities of positions that frames show, by the accelerations that explain them: where the fit of a scene begins.

In windows of k steps, with a_j = sum_p c_p F_p(q_j, u_j),

    q_t = q_0 + t dt v_0 + dt^2 sum_(j < t) (t - j - 1/2) a_j + error,     v_t = v_0 + dt sum_(j < t) a_j,

which is linear in the starts of all windows and in the coefficients c that all windows and degrees of freedom share, so
that one regression gives all of them. Sums average the noise of the positions in F, and what is left as error is the
noise of single positions. A difference of two positions has that noise over one short step, in which hardly anything
moves.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

_STEPS = 20
_TERMS = 1e-8
"""Functions whose share of the data is smaller are left out, as a share of the largest singular value."""

_POWERS = (-4, -3, -2, -1, 0)
"""Powers of the distance between two bodies that multiply the line between them; -3 is the inverse square law."""

Library = Callable[[np.ndarray, np.ndarray], np.ndarray]
"""Functions F of positions ``(..., n)`` and forces ``(..., m)`` for the acceleration of every degree of freedom,
``(..., n, P)``."""


def motion_between(
    paths: Sequence[np.ndarray], forces: Sequence[np.ndarray], library: Library, *, dt: float
) -> list[np.ndarray]:
    """States [q, v] ``(T + 1, 2n)`` of paths ``(T + 1, n)`` under forces ``(T, m)``.

    Args:
        paths: by episode, without jumps of angles; NaN where nothing is known.
        forces: by episode.
        library: functions that accelerations are sums of.
        dt: time step in s.
    """
    n = paths[0].shape[1]
    found = [np.full((len(path), 2 * n), np.nan) for path in paths]
    pieces = [
        (number, int(cut[0]), int(cut[-1]) + 1)
        for number, force in enumerate(forces)
        if len(force)
        for cut in np.array_split(np.arange(len(force)), max(1, -(-len(force) // _STEPS)))
    ]
    functions = [library(interpolated(path)[:-1], force) for path, force in zip(paths, forces, strict=True)]
    places = [(*piece, i) for piece in pieces for i in range(n)]
    parts = [
        _window(paths[number][begin : end + 1, i], functions[number][begin:end, i], dt)
        for number, begin, end, i in places
    ]
    shared = np.concatenate([free for _, _, free, _, _ in parts])
    target = np.concatenate([rest for *_, rest in parts])
    c = np.linalg.lstsq(shared, target, rcond=_TERMS)[0]
    for (number, begin, end, i), (own, inverse, _, twice, _) in zip(places, parts, strict=True):
        path = paths[number][begin : end + 1, i]
        known = np.isfinite(path)
        start = inverse @ (path - twice @ c)[known]
        speed = np.cumsum(functions[number][begin:end, i] @ c) * dt
        found[number][begin : end + 1, i] = own @ start + twice @ c
        found[number][begin : end + 1, n + i] = start[1] + np.concatenate([[0.0], speed])
    return found


def _window(path: np.ndarray, functions: np.ndarray, dt: float) -> tuple[np.ndarray, ...]:
    """The columns of the start of a window, their pseudo-inverse, and what they leave of the functions and the path.

    Returns:
        [1, t dt] ``(k + 1, 2)``, its pseudo-inverse at the known positions, the twice integrated functions without it
        ``(known, P)``, these functions ``(k + 1, P)``, and the path without it ``(known,)``.
    """
    steps = len(functions)
    own = np.stack([np.ones(steps + 1), dt * np.arange(steps + 1)], axis=-1)
    weights = np.tril(np.arange(steps + 1)[:, None] - np.arange(steps) - 0.5, -1) * dt**2
    twice = weights @ functions
    known = np.isfinite(path)
    inverse = np.linalg.pinv(own[known])
    free, rest = (values - own[known] @ (inverse @ values) for values in (twice[known], path[known]))
    return own, inverse, free, twice, rest


def of_linkage(angles: Sequence[bool]) -> Library:
    """Constants, sines and cosines of angles, and forces: a linkage whose angles change little, or slowly.

    Every degree of freedom has coefficients of its own.
    """

    def library(q: np.ndarray, u: np.ndarray) -> np.ndarray:
        columns = [np.ones(q.shape[:-1]), *np.moveaxis(u, -1, 0)]
        for i, angle in enumerate(angles):
            columns += [np.sin(q[..., i]), np.cos(q[..., i])] if angle else []
        functions = np.stack(columns, axis=-1)
        n, terms = len(angles), len(columns)
        own = np.eye(n)[..., None] * functions[..., None, None, :]
        apart: np.ndarray = own.reshape(*q.shape[:-1], n, n * terms)
        return apart

    return library


def of_bodies(bodies: int, pushed: Sequence[int | None]) -> Library:
    """Powers of the distances between bodies in the plane, along the lines between them, and forces.

    All bodies share their coefficients.

    Args:
        bodies: how many.
        pushed: the degree of freedom that each force acts on; a force of which this is not known is left out.
    """

    def library(q: np.ndarray, u: np.ndarray) -> np.ndarray:
        place = q.reshape(*q.shape[:-1], bodies, 2)
        apart = place[..., None, :, :] - place[..., :, None, :]  # from the first to the second
        distance = np.sqrt((apart**2).sum(-1, keepdims=True)) + np.eye(bodies)[..., None]
        pulls = [(apart * distance**power).sum(-2).reshape(q.shape) for power in _POWERS]
        known = [(k, degree) for k, degree in enumerate(pushed) if degree is not None]
        pushes = [u[..., k, None] * (np.arange(2 * bodies) == degree) for k, degree in known]
        functions: np.ndarray = np.stack([*pulls, *pushes], axis=-1)
        return functions

    return library


def interpolated(path: np.ndarray) -> np.ndarray:
    """Positions ``(T + 1, n)`` with straight lines where they are NaN; the nearest ones at the ends."""
    filled = path.copy()
    moments = np.arange(len(path))
    for column in filled.T:
        known = np.isfinite(column)
        if known.any():
            column[~known] = np.interp(moments[~known], moments[known], column[known])
    return filled
