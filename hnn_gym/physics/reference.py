"""Reference trajectories of the same dynamics by SciPy's adaptive DOP853, for tests and figures."""

from __future__ import annotations

import numpy as np
from scipy.integrate import solve_ivp

from hnn_gym.errors import ConvergenceError
from hnn_gym.physics.dynamics import Dynamics


def reference_trajectory(
    dynamics: Dynamics,
    x0: np.ndarray,
    times: np.ndarray,
    *,
    u: np.ndarray | None = None,
    rtol: float = 1e-12,
    atol: float = 1e-12,
) -> np.ndarray:
    """Integrate one NumPy start point ``(2n,)`` to the given times.

    Args:
        dynamics: the dynamics, on NumPy.
        x0: start point ``(2n,)`` at ``times[0]``.
        times: increasing times ``(k,)`` in s.
        u: constant generalised force ``(m,)``, or None.
        rtol: relative tolerance.
        atol: absolute tolerance.

    Returns:
        Phase points ``(k, 2n)``.

    Raises:
        ConvergenceError: the solver stopped early.
    """
    solution = solve_ivp(
        lambda _, x: dynamics.field(x, u),
        (times[0], times[-1]),
        np.asarray(x0, dtype=np.float64),
        method="DOP853",
        t_eval=times,
        rtol=rtol,
        atol=atol,
    )
    if not solution.success:
        raise ConvergenceError(f"The reference solver stopped at t = {solution.t[-1]} s: {solution.message}")
    return solution.y.T
