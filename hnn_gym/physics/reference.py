"""Reference trajectories of the same dynamics by SciPy's adaptive DOP853, for tests and figures."""

from __future__ import annotations

import numpy as np
from scipy.integrate import solve_ivp

from hnn_gym.errors import ConvergenceError, checked_arguments, finite_number
from hnn_gym.physics.dynamics import VectorField


@checked_arguments
def reference_trajectory(
    dynamics: VectorField,
    x0: np.ndarray,
    times: np.ndarray,
    *,
    u: np.ndarray | None = None,
    rtol: float = 1e-12,
    atol: float = 1e-12,
) -> np.ndarray:
    """Integrate NumPy start points to the given times, all of them together.

    Args:
        dynamics: the dynamics, on NumPy.
        x0: start points ``(..., 2n)`` at ``times[0]``.
        times: increasing times ``(k,)`` in s.
        u: constant generalised force ``(m,)``, or None.
        rtol: relative tolerance.
        atol: absolute tolerance.

    Returns:
        Phase points ``(..., k, 2n)``.

    Raises:
        ConvergenceError: the solver stopped early.
    """
    for name, tolerance in (("rtol", rtol), ("atol", atol)):
        finite_number(tolerance, name, above=0.0)
    start = np.asarray(x0, dtype=np.float64)
    solution = solve_ivp(
        lambda _, x: dynamics.field(x.reshape(start.shape), u).ravel(),
        (times[0], times[-1]),
        start.ravel(),
        method="DOP853",
        t_eval=times,
        rtol=rtol,
        atol=atol,
    )
    if not solution.success:
        raise ConvergenceError(f"The reference solver stopped at t = {solution.t[-1]} s: {solution.message}")
    return np.moveaxis(solution.y.reshape(*start.shape, len(times)), -1, -2)
