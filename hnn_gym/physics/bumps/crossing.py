"""Find t > 0 with f(t) = c, where f starts at f(0) = 0 and rises: Newton with the secant's curvature, bracketed.

Around the last point f is modelled by a parabola of its value, its slope, and the change of slope since the point
before. A parabola is therefore solved in one step; if f turns before it reaches c, the result is the vertex. A step
that leaves the bracket, and every fourth, is a bisection instead. All elements of a batch are solved at once.

Source of the safeguard: Press et al., *Numerical Recipes*, 3rd ed. 2007, section 9.4 (rtsafe).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from hnn_gym.errors import ConvergenceError
from hnn_gym.physics.bumps.refuse import named
from hnn_gym.physics.phase import Array, namespace


class Crossing(NamedTuple):
    """Where f comes closest to c, with batch axes ``(...)``.

    Attributes:
        t: the place.
        value: f(t).
        reached: bool, whether f(t) = c up to rounding; otherwise f turns before, and t is its maximum.
    """

    t: Array
    value: Array
    reached: Array


def first_crossing(
    f: Callable[[Array], tuple[Array, Array]],
    c: Array,
    *,
    guess: Array,
    slope: Array,
    tolerance: Array,
    limit: Array | None = None,
    max_iterations: int = 250,
) -> Crossing:
    """Go up from t = 0 until f(t) = c.

    Args:
        f: from t ``(...)`` to the value and the slope there, each ``(...)``.
        c: target value, >= 0, ``(...)``.
        guess: t to try first, >= 0, and > 0 where c > 0.
        slope: of f at t = 0, >= 0.
        tolerance: abs(f(t) - c) that rounding may leave ``(...)``. Within it the search goes on while it gains.
        limit: largest t ``(...)``; None: no limit.
        max_iterations: give up after so many evaluations.

    Raises:
        ConvergenceError: some elements of the batch neither reach c nor turn; the message names them.
    """
    xp = namespace(c)
    eps = float(xp.finfo(c.dtype).eps)
    zero = xp.zeros_like(c)
    low, high, overshot = zero, zero + float("inf") if limit is None else limit, zero > 1
    best, best_value, gap = zero, zero, c
    last, last_slope, t = zero, slope, guess
    done = c == 0
    for k in range(max_iterations):
        value, slope = f(t)
        finite = xp.isfinite(value) & xp.isfinite(slope)
        missing = xp.where(finite, c - value, zero)
        slope = xp.where(finite, slope, zero)

        better = ~done & finite & (abs(missing) < gap)
        best, best_value = xp.where(better, t, best), xp.where(better, value, best_value)
        gap = xp.where(better, abs(missing), gap)

        # Once f was above c there is a crossing in between, whatever its shape; until then f must not turn.
        # If f is not finite it has overflown: t is too large, but that is not a crossing.
        below = finite & (missing > 0) & ((slope > 0) | overshot)
        low, high = xp.where(below, t, low), xp.where(below, high, t)
        overshot = xp.where(below, overshot, finite & (missing <= 0))
        bounded = xp.isfinite(high)
        collapsed = bounded & (high - low <= 4 * eps * high)

        run = t - last
        curvature = xp.where(finite, (slope - last_slope) / xp.where(run == 0, zero + 1, run), zero)
        bends_down = finite & (curvature < 0)
        top = slope / xp.where(bends_down, -curvature, zero + 1)  # of the parabola, seen from t
        topped = bends_down & ~overshot & (missing > tolerance) & (abs(slope * top) <= tolerance)

        done = done | (gap <= tolerance / 8) | ((gap <= tolerance) & ~better) | topped | collapsed
        if bool(xp.all(done)):
            # A bracket of neighbouring numbers, with c between their values, is as close as the rounding of f allows.
            allowed = xp.where(collapsed & overshot, xp.maximum(1000 * tolerance, eps**0.5 * c), tolerance)
            return Crossing(best, best_value, gap <= allowed)

        square = slope * slope + 2 * curvature * missing
        root = 2 * missing / (slope + xp.sqrt(xp.where(square > 0, square, zero)) + (slope <= 0))
        step = xp.where((slope > 0) & (square > 0), root, xp.where(bends_down, top, zero))
        new = t + xp.where(step > 3 * t, 3 * t, step)
        inside = (new > low) & (new < high) & (~bounded if k % 4 == 3 else finite)
        middle = xp.where(bounded, (low + xp.where(bounded, high, low)) / 2, 2 * t)
        last, last_slope = xp.where(finite, t, last), xp.where(finite, slope, last_slope)
        t = xp.where(done, t, xp.where(inside, new, middle))
    raise ConvergenceError(
        f"H did not reach the requested value in {max_iterations} steps along a ray for {named(~done)}: is it smooth?"
    )
