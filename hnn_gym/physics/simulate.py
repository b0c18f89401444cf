"""Trajectories: x_{k+1} = step(x_k, u_k). The only time loop over phase points in the package."""

from __future__ import annotations

from collections.abc import Callable

from hnn_gym.errors import InputError, checked_arguments, finite_number, instance
from hnn_gym.physics.dynamics import Dynamics
from hnn_gym.physics.integrators import Integrator
from hnn_gym.physics.phase import Array, namespace

Step = Callable[[Array, Array | None], Array]
"""One step (x ``(..., 2n)``, u ``(..., m)`` or None) -> x ``(..., 2n)``."""


def integrate(
    dynamics: Dynamics,
    x0: Array,
    *,
    integrator: Integrator,
    dt: float,
    steps: int,
    u: Array | None = None,
    record_every: int = 1,
) -> Array:
    """Integrate phase points with a fixed step.

    Args:
        dynamics: the dynamics.
        x0: start points ``(..., 2n)``.
        integrator: the scheme.
        dt: step in s; negative runs backwards.
        steps: number of steps.
        u: generalised forces ``(steps, ..., m)``, one for each step; None for none.
        record_every: keep every k-th point, and the first.

    Returns:
        Phase points ``(1 + steps // record_every, ..., 2n)``, x0 first.

    Raises:
        InputError: the scheme does not fit the dynamics, ``u`` has another number of steps, or a count makes no sense.
        ConvergenceError: an implicit scheme did not converge.
    """
    instance(integrator, "integrator", Integrator).check(dynamics)  # type: ignore[type-abstract]
    if not hasattr(dt, "shape"):  # where every point has a step of its own it is an array
        finite_number(dt, "dt")
    namespace(x0)  # which refuses what is no array
    return rollout(
        lambda x, force: integrator.step(dynamics, x, dt, force),
        x0,
        steps=steps,
        u=u,
        record_every=record_every,
    )


@checked_arguments
def rollout(step: Step, x0: Array, *, steps: int, u: Array | None = None, record_every: int = 1) -> Array:
    """Apply ``step`` again and again; arguments, shapes and errors as in :func:`integrate`."""
    xp = namespace(x0)
    if u is not None:
        namespace(u)  # which refuses what is no array
    if u is not None and u.shape[0] != steps:
        raise InputError(f"u has forces for {u.shape[0]} steps, and steps={steps}: give one for each step.")
    if steps < 0:
        raise InputError(f"steps must not be negative, got {steps}: to run backwards, give a negative dt.")
    if record_every < 1:
        raise InputError(f"record_every must be at least 1, got {record_every}.")
    x = x0
    points = [x0]
    for k in range(steps):
        x = step(x, None if u is None else u[k])
        if (k + 1) % record_every == 0:
            points.append(x)
    return xp.stack(points)
