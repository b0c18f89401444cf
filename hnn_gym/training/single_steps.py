"""Single steps of a model, how much they err, and the scheme through which a fit differentiates them.

A Gauss-Newton step needs residuals to the last digit and derivatives to a few: with J (1 + e) in place of J the error
shrinks by a factor of e in a step, and the fit ends within e of its statistical error. Substeps of RK4 change a step
little and its derivatives as little, so that the derivatives may be those of fewer substeps, which cost less.

Source: Gratton, Lawless, Nichols, *Approximate Gauss-Newton methods for nonlinear least squares problems*, SIAM Journal
on Optimization 18, 2007.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from hnn_gym.physics.dynamics import Dynamics
from hnn_gym.physics.integrators import Integrator, InVelocities, RungeKutta4, Substeps, VelocityForm
from hnn_gym.physics.phase import Array, join, split
from hnn_gym.training.transitions import Transitions, turn

_NEAR = 0.01
"""Of a typical change: a step of fewer substeps may differ by so much ..."""
_MOST = 0.9
"""... in this share of the rows, to be differentiated instead."""


def stepped(
    dynamics: Dynamics, scheme: Integrator, q: Array, v: Array, u: Array, *, dt: Array | float
) -> tuple[Array, Array]:
    """One step from states (q, v) ``(..., n)`` to states, under generalised forces ``(..., m)``.

    All take ``dt`` seconds, or each its own ``(..., 1)``.
    """
    force = u if u.shape[-1] else None
    if isinstance(scheme, InVelocities):  # without the way to p and back
        return split(scheme.inner.step(VelocityForm(dynamics), join(q, v), dt, force))
    q, p = split(scheme.step(dynamics, join(q, dynamics.momentum(q, v)), dt, force))
    return q, dynamics.velocity(q, p)


def one_step_errors(dynamics: Dynamics, scheme: Integrator, data: Transitions) -> np.ndarray:
    """Root mean square errors of [q', v'] ``(N,)``, each in units of its typical change."""
    return _apart(_ends(dynamics, scheme, data), (data.next_q, data.next_v), data)


def scheme_of_slopes(dynamics: Dynamics, scheme: Integrator, data: Transitions) -> Integrator:
    """The scheme of fewest substeps whose steps are near to those of ``scheme``: it is differentiated instead.

    Args:
        dynamics: the model where the fit begins.
        scheme: the scheme that it is fitted through.
        data: the steps that are fitted.
    """
    whole = None
    for fewer in _with_fewer_substeps(scheme):
        whole = _ends(dynamics, scheme, data) if whole is None else whole
        if np.quantile(_apart(_ends(dynamics, fewer, data), whole, data), _MOST) < _NEAR:
            return fewer
    return scheme


def _with_fewer_substeps(scheme: Integrator) -> Iterator[Integrator]:
    """The same with fewer substeps, fewest first; none where the scheme has one, or is of low order."""
    if isinstance(scheme, InVelocities):
        yield from (InVelocities(fewer) for fewer in _with_fewer_substeps(scheme.inner))
    elif isinstance(scheme, Substeps) and isinstance(scheme.inner, RungeKutta4):
        yield from (Substeps(scheme.inner, count) for count in (1, 2) if count < scheme.count)


def _ends(dynamics: Dynamics, scheme: Integrator, data: Transitions) -> tuple[np.ndarray, np.ndarray]:
    with np.errstate(all="ignore"):
        return stepped(dynamics, scheme, data.q, data.v, data.u, dt=data.time)


def _apart(one: tuple[np.ndarray, np.ndarray], other: tuple[np.ndarray, np.ndarray], data: Transitions) -> np.ndarray:
    """Root mean square differences of states ``(N,)`` in units of typical changes; infinite where not defined."""
    with np.errstate(all="ignore"):
        (q, v), (next_q, next_v) = one, other
        error = np.concatenate([turn(q - next_q, data.angles), v - next_v], axis=-1) / data.change
        return np.nan_to_num(np.sqrt(np.mean(error[:, data.seen] ** 2, axis=-1)), nan=np.inf)
