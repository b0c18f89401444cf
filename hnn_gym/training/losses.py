"""Losses: mean squares of (predicted - recorded) / scale, as pure functions of a world and its windows.

A window is k + 1 observations ``(N, k + 1, d)`` and the k actions between them ``(N, k, m)``. Where its steps do not
all take the time step of the world, the time that each takes is given too, in s ``(N, k)``.
"""

from __future__ import annotations

from hnn_gym.errors import checked_arguments
from hnn_gym.physics.phase import Array, namespace, split
from hnn_gym.worlds.world_model import WorldModel


@checked_arguments
def prediction_loss(
    world: WorldModel, observation: Array, action: Array, *, scale: Array, duration: Array | None = None
) -> Array:
    """Start at the first observation of each window, step, compare all the later ones: a scalar.

    The loss goes through the integrator. Source: Chen et al., *Symplectic Recurrent Neural Networks*, 2020.

    Args:
        world: the world, with the parameters to be trained.
        observation: ``(N, k + 1, d)``.
        action: ``(N, k, m)``.
        scale: size of every observation entry ``(d,)``.
        duration: of the steps ``(N, k)``; None: the world's own.
    """
    return mean_square(prediction_residual(world, observation, action, scale=scale, duration=duration))


def prediction_residual(
    world: WorldModel, observation: Array, action: Array, *, scale: Array, duration: Array | None = None
) -> Array:
    """The errors ``(N, k, d)`` whose mean square is :func:`prediction_loss`."""
    states = _states_of_rollout(world, world.encode(observation[:, 0]), action, duration)
    predicted = world.coordinates.observation(*states)
    return (world.coordinates.unwrapped(predicted, observation) - observation)[:, 1:] / scale


@checked_arguments
def shooting_loss(
    world: WorldModel,
    starts: Array,
    observation: Array,
    action: Array,
    *,
    scale: Array,
    duration: Array | None = None,
) -> Array:
    """Start at estimated states, step, compare every observation of the window: a scalar.

    With noisy observations the first one of a window is as wrong as any other, so its true state is a parameter too
    (multiple shooting; errors in variables). Source: Bock, *Recent advances in parameter identification techniques for
    ODE*, 1983.

    Args:
        world: the world, with the parameters to be trained.
        starts: states [q, v] ``(N, 2n)`` of the first points, to be trained too.
        observation: ``(N, k + 1, d)``.
        action: ``(N, k, m)``.
        scale: size of every observation entry ``(d,)``.
        duration: of the steps ``(N, k)``; None: the world's own.
    """
    path = world.coordinates.unwrapped(shooting_path(world, starts, action, duration), observation)
    return mean_square((path - observation) / scale)


def shooting_path(world: WorldModel, starts: Array, action: Array, duration: Array | None = None) -> Array:
    """Return what the world shows from the states ``starts`` ``(N, 2n)`` on: observations ``(N, k + 1, d)``."""
    return world.coordinates.observation(*shooting_states(world, starts, action, duration))


def shooting_states(
    world: WorldModel, starts: Array, action: Array, duration: Array | None = None
) -> tuple[Array, Array]:
    """Return the states (q, v), each ``(N, k + 1, n)``, from the states ``starts`` ``(N, 2n)`` on."""
    return _states_of_rollout(world, world.phase_point(*split(starts)), action, duration)


@checked_arguments
def derivative_loss(
    world: WorldModel,
    observation: Array,
    action: Array,
    *,
    velocity_scale: Array,
    acceleration_scale: Array,
    duration: Array | None = None,
) -> Array:
    """Match the field to finite differences of the recorded states: a scalar.

    The paper's loss (Greydanus et al. 2019, eq. 3), with velocities and accelerations in units of their scale.
    It is blind to the time step, and so worse than :func:`prediction_loss` on coarse data.

    Args:
        world: the world, with the parameters to be trained.
        observation: ``(N, k + 1, d)``.
        action: ``(N, k, m)``.
        velocity_scale: ``(n,)``.
        acceleration_scale: ``(n,)``.
        duration: of the steps ``(N, k)``; None: the world's own.
    """
    residuals = derivative_residuals(
        world,
        observation,
        action,
        velocity_scale=velocity_scale,
        acceleration_scale=acceleration_scale,
        duration=duration,
    )
    return mean_square(residuals[0]) + mean_square(residuals[1])


def derivative_residuals(
    world: WorldModel,
    observation: Array,
    action: Array,
    *,
    velocity_scale: Array,
    acceleration_scale: Array,
    duration: Array | None = None,
) -> tuple[Array, Array]:
    """The two errors, each ``(N, k, n)``, whose mean squares add up to :func:`derivative_loss`."""
    xp = namespace(observation)
    q, v = world.coordinates.state(observation)
    p = world.dynamics.momentum(q, v)
    dt = world.dt if duration is None else duration[..., None]
    dq = _turn(q[:, 1:] - q[:, :-1], world.coordinates.angles) / dt
    dp = (p[:, 1:] - p[:, :-1]) / dt
    u = world.coordinates.force(action) if world.coordinates.controls else None
    x = xp.concat([q, p], axis=-1)[:, :-1]
    field_q, field_p = split(world.dynamics.field(x, u))
    acceleration_error = world.dynamics.velocity(q[:, :-1], field_p - dp)
    return (field_q - dq) / velocity_scale, acceleration_error / acceleration_scale


def _states_of_rollout(world: WorldModel, x0: Array, action: Array, duration: Array | None) -> tuple[Array, Array]:
    xp = namespace(x0)
    steps = action.shape[1]
    actions = xp.permute_dims(action, (1, 0, 2)) if world.coordinates.controls else None
    durations = None if duration is None else xp.permute_dims(duration, (1, 0))
    return world.state(xp.permute_dims(world.rollout(x0, actions, steps=steps, durations=durations), (1, 0, 2)))


def _turn(difference: Array, angles: tuple[bool, ...]) -> Array:
    """Differences of angles brought to (-pi, pi]."""
    xp = namespace(difference)
    wrapped = xp.atan2(xp.sin(difference), xp.cos(difference))
    return xp.stack([(wrapped if angle else difference)[..., i] for i, angle in enumerate(angles)], axis=-1)


def mean_square(residual: Array) -> Array:
    """The mean of the squares: a scalar."""
    return (residual * residual).mean()
