"""Entries that are a known function of the state: an exact linear combination of a few functions out of a library.

The library has 1, positions, velocities, cosines and sines of angles and of their sums and differences, and, in a
second round, products of these. What fits to the accuracy of the numbers is kept, and terms that are not needed are
left out. Three rows in ten may fit worse: simulators show what they computed from the last part of a step.
"""

from __future__ import annotations

from itertools import combinations, combinations_with_replacement, product

import numpy as np

from hnn_gym.coordinates import Readout
from hnn_gym.coordinates.inference.regression import robust_fit

_EXACT = 1e-5
"""An error of this share of the entry's range is the rounding of float32."""
_ROWS_EXACT = 0.7
_SUMMED = 3
"""So many angles are added up at most."""
_MOST = 400
_ROWS = 3000


def exact_function(
    entry: int,
    values: np.ndarray,
    q: np.ndarray,
    v: np.ndarray,
    *,
    waves: tuple[bool, ...],
    linear: tuple[bool, ...],
    noise: float = 0.0,
) -> Readout | None:
    """Find the combination that gives an observation entry, or None.

    Args:
        entry: its number.
        values: what was observed ``(N,)``.
        q: positions ``(N, n)``.
        v: velocities ``(N, n)``.
        waves: degrees of freedom whose cosines and sines may occur.
        linear: degrees of freedom whose positions themselves may occur.
        noise: of the observations, as a share of their size; products are not looked for in noise.
    """
    rows = np.random.default_rng(0).permutation(len(values))[:_ROWS]
    values, q, v = values[rows], q[rows], v[rows]
    size = max(float(np.ptp(values)), 1e-300) * max(1.0, noise / _EXACT)
    for terms in _libraries(waves, linear, np.any(v != 0, axis=0).tolist())[: 1 if noise else None]:
        if not terms or len(terms) > len(values) // 3:
            continue
        columns = np.concatenate([Readout(entry, ((term, 1.0),))(q, v) for term in terms], axis=1)
        if _error(columns, values) < _EXACT * size:
            return _sparse(entry, terms, columns, values, size)
    return None


def _libraries(waving: tuple[bool, ...], straight: tuple[bool, ...], moving: list[bool]) -> list[list[str]]:
    linear = [f"q{i}" for i, here in enumerate(straight) if here]
    speeds = [f"v{i}" for i, here in enumerate(moving) if here]
    turning = [i for i, here in enumerate(waving) if here]
    waves = [f"{name}({angle})" for angle in _sums(turning) for name in ("cos", "sin")]
    first = ["1", *linear, *speeds, *waves]
    factors = [*linear, *waves]
    second = [f"{speed}*{factor}" for speed in speeds for factor in factors]
    second += [f"{a}*{b}" for a, b in combinations_with_replacement(linear + speeds, 2)]
    second += [f"{a}*{b}" for a, b in product(linear, waves)]
    return [first, [*first, *second][:_MOST]]


def _sums(turning: list[int]) -> list[str]:
    """Angles, and sums and differences of up to three of them."""
    found = []
    for count in range(1, min(_SUMMED, len(turning)) + 1):
        for chosen in combinations(turning, count):
            for signs in product("+-", repeat=count - 1):
                found.append(f"q{chosen[0]}" + "".join(f" {s} q{i}" for s, i in zip(signs, chosen[1:], strict=True)))
    return found


def _error(columns: np.ndarray, values: np.ndarray) -> float:
    """The error that seven rows in ten stay below, of least squares that odd rows do not disturb.

    Of an entry that nearly always is the same number, such as a flag, the other rows count as well.
    """
    error = np.abs(values - columns @ _fit(columns, values))
    usual = values == np.median(values)
    if usual.mean() <= 0.5 or usual.all():
        return float(np.quantile(error, _ROWS_EXACT))
    return float(max(np.quantile(error, _ROWS_EXACT), np.quantile(error[~usual], _ROWS_EXACT)))


def _fit(columns: np.ndarray, values: np.ndarray) -> np.ndarray:
    scale = np.maximum(np.sqrt(np.mean(columns**2, axis=0)), 1e-300)
    return robust_fit(columns / scale, values) / scale


def _sparse(entry: int, terms: list[str], columns: np.ndarray, values: np.ndarray, size: float) -> Readout:
    """Leave terms out, the smallest first, as long as the rest still is exact."""
    kept = list(range(len(terms)))
    weights = _fit(columns, values)
    for k in np.argsort(np.abs(weights) * np.sqrt(np.mean(columns**2, axis=0))):
        fewer = [i for i in kept if i != k]
        if fewer and _error(columns[:, fewer], values) < _EXACT * size:
            kept = fewer
    short = _shortened(columns[:, kept], _fit(columns[:, kept], values), values, size)
    return Readout(entry, tuple((terms[i], w) for i, w in zip(kept, short, strict=True)))


def _shortened(columns: np.ndarray, weights: np.ndarray, values: np.ndarray, size: float) -> list[float]:
    """The weights to as few digits as leave the combination exact."""
    for digits in range(1, 12):
        short = [float(f"{weight:.{digits}g}") for weight in weights]
        if np.quantile(np.abs(values - columns @ np.array(short)), _ROWS_EXACT) < _EXACT * size:
            return short
    return [float(weight) for weight in weights]
