"""Energy bumps: move a phase point so that H(x') = H(x) + dE, exactly.

- ``"momentum"`` is an impulse: q' = q and p' = p + mu d, with d = M(q) dH/dp the momentum that belongs to the velocity
  dH/dp. Where the kinetic energy T is quadratic in p, d = p and p' = sqrt(1 + dE / T) p.
- ``"gradient"`` is the flow of the full gradient, dx/ds = grad H / |grad H|^2, for which dH/ds = 1.
  Source: Greydanus, Dzamba, Yosinski, *Hamiltonian Neural Networks*, NeurIPS 2019, section 6.

Conserved and scaled quantities:

| direction, system | as it was | multiplied by sqrt(1 + dE / T) |
|---|---|---|
| momentum, T quadratic in p | q, the directions of p and v | p, v |
| momentum, bodies | q, total momentum, the motion of the centre of mass | motion and angular momentum about it |
| gradient | nothing in general | |

For bodies d is their momenta without the common motion, p_i - m_i V, and T the kinetic energy of these. The gradient
keeps the sum of all q of bodies, but their total momentum only if their velocities add up to zero, as for equal masses
without common motion.
"""

from __future__ import annotations

from numbers import Real
from typing import Literal, NamedTuple, get_args

from hnn_gym.errors import InputError, finite_number, instance
from hnn_gym.physics.bumps.gradient_flow import along_gradient
from hnn_gym.physics.bumps.history import array_like
from hnn_gym.physics.bumps.impulse import FreeBodies, by_impulse
from hnn_gym.physics.bumps.refuse import all_finite
from hnn_gym.physics.dynamics import Hamiltonian
from hnn_gym.physics.phase import Array, has_values, namespace

__all__ = ["Bump", "Direction", "FreeBodies", "bump"]

Direction = Literal["momentum", "gradient"]
"""How a bump moves a phase point: by an impulse, or along the gradient of H."""


class Bump(NamedTuple):
    """Bumped phase points, with batch axes ``(...)``.

    Attributes:
        x: phase points ``(..., 2n)``.
        requested: dE in J ``(...)``.
        realised: H(x') - H(x) in J ``(...)``: the request up to rounding, unless clipped.
        clipped: bool ``(...)``, whether only a part of the request could be realised.
    """

    x: Array
    requested: Array
    realised: Array
    clipped: Array


def bump(
    hamiltonian: Hamiltonian | None,
    x: Array,
    dE: Array | float,
    *,
    direction: Direction = "momentum",
    at_rest: Array | float | None = None,
) -> Bump:
    """Move phase points so that H rises by exactly dE.

    A request that cannot be realised is clipped to the nearest that can, and ``clipped`` is True. An impulse ends at
    the latest where H turns along its ray, so that it removes at most the kinetic energy (for bodies, that of their
    motion about the centre of mass); the gradient ends at a stationary point of H, or after 400 steps. An impulse needs
    a direction: where dH/dp = 0 there is none, and dE is clipped to 0 unless ``at_rest`` gives one. Where grad H = 0
    the gradient has no direction either.

    On torch tensors x' can be differentiated once, in x, dE and the parameters of H. If an impulse is clipped, mu is
    held fixed, which is exact for a kinetic energy quadratic in p.

    An impulse costs a few evaluations of H; the flow some ten times ten gradients, and more if it ends near a minimum.
    An impulse on a kinetic energy quadratic in p is computed in closed form, and can be traced; any other is searched.

    Args:
        hamiltonian: H, true or learned.
        x: phase points ``(..., 2n)``.
        dE: energy to give in J, a number or ``(...)``; negative to remove. Broadcast against ``x``: one point can be
            given many bumps.
        direction: "momentum" or "gradient".
        at_rest: direction of an impulse where dH/dp = 0, in the space of momenta: a number or ``(..., n)``, of any
            length. None: such points stay where they are.

    Returns:
        Bump(x, requested, realised, clipped), in the array library, dtype and device of ``x``.

    Raises:
        InputError: there is no H, or it has no energy; ``x``, ``dE`` or H(x) is not finite (the message names the
            elements); their shapes do not fit; or the direction is unknown.
        ConvergenceError: a request that should be feasible was not met; the message names the elements.

    Example:
        >>> import numpy as np
        >>> from hnn_gym.physics.hamiltonians import Pendulum
        >>> bump(Pendulum(), np.array([0.0, 1.0]), 3.0).x
        array([0., 2.])
    """
    if hamiltonian is None:
        raise InputError(
            "A bump needs an energy, and these dynamics have no Hamiltonian (a baseline): use a world that has one, "
            "such as HNNPendulum-v0 or one of kind 'mechanical', 'separable' or 'hnn'."
        )
    instance(hamiltonian, "The energy to bump", Hamiltonian)  # type: ignore[type-abstract]
    if direction not in get_args(Direction):
        raise InputError(f"direction must be 'momentum' or 'gradient', not {direction!r}.")
    if direction == "gradient" and at_rest is not None:
        raise InputError("at_rest is the direction of an impulse: leave it out with direction='gradient'.")
    if isinstance(at_rest, Real):
        finite_number(at_rest, "at_rest")
    elif at_rest is not None:
        namespace(at_rest)
    x, dE = _checked(x, dE)
    if direction == "gradient":
        new, realised, clipped = along_gradient(hamiltonian, x, dE)
    else:
        new, realised, clipped = by_impulse(hamiltonian, x, dE, at_rest=at_rest)
    return Bump(new, dE, realised, clipped)


def _checked(x: Array, dE: Array | float) -> tuple[Array, Array]:
    """Both as arrays of one batch, finite."""
    if not has_values(x):
        return x, dE
    xp = namespace(x)
    if not x.shape or x.shape[-1] % 2 or not xp.isdtype(x.dtype, "real floating"):
        raise InputError(f"x must be phase points (..., 2n) of floats, not shape {tuple(x.shape)} of {x.dtype}.")
    try:
        dE = array_like(x, dE)
    except (TypeError, ValueError):
        raise InputError(f"dE must be a number of joules, or one for each phase point, not {dE!r}.") from None
    all_finite("dE", dE)
    all_finite("x", xp.max(abs(x), axis=-1))
    try:
        batch = xp.broadcast_arrays(x[..., 0], dE)
    except (ValueError, RuntimeError):
        raise InputError(
            f"dE of shape {tuple(dE.shape)} does not fit phase points of shape {tuple(x.shape)}: give one for each."
        ) from None
    return xp.broadcast_to(x, (*batch[0].shape, x.shape[-1])), batch[1]
