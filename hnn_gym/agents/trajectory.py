"""A whole trajectory planned in a learned world, and the gains that keep reality on it.

Newton's rule on the actions (iLQR, see :mod:`hnn_gym.agents.gap_ilqr`) improves several plans from one start. The cost
of a plan is what it loses of the reward, a small cost of actions, and the cost-to-go of a linear controller from its
last state. A task without a place to rest has no such controller, and its plan is as long as an episode.

Plans of one or two links may begin as random actions. Several links need more: plans begin as *paths* to the goal, and
for many rounds their actions may exceed the limits, at a price that rises as fast as the plan follows. Strong motors
bring everything upright, and the plan of strong motors is turned little by little into one of weak motors. Then the
limits hold. Each of these plans is better than those near it, and not than all. On request the best of them are moved:
they are done in less time and with random detours, and improved again.

The best plan is followed from neighbouring starts by the gains of the linear problem about it, a = a_t + K_t (s - s_t),
within the limits; then the linear controller takes over. Where a world is right about places that its recording never
came near, so is the plan.

Source: Tedrake, *Underactuated Robotics*, 2023, section 10.5 (gains along a trajectory).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from hnn_gym.agents.first_plans import moved, paths, pumped_actions
from hnn_gym.agents.gap_ilqr import DAMPEST, Improvement, Plans
from hnn_gym.agents.lqr import LinearQuadratic
from hnn_gym.agents.traced_step import largest_actions, turned
from hnn_gym.errors import InputError, check_fields, checked_arguments, finite_number, whole_number
from hnn_gym.systems.task import Task
from hnn_gym.worlds.world_model import WorldModel

_EARLY = 30
"""Rounds after which half of the plans with paths are improved further; the price of an excess begins to rise."""
_CHEAP, _DEAR, _RISE = 1e-2, 30.0, 1.15
"""Price of the square of an excess at first and at last, and its factor in a round."""
_SAME = 0.5
"""Plans whose costs differ by less count as one where plans are moved."""
_TIGHTER, _TIGHT = 0.97, 0.05
"""Factor of the largest action in a round until it is within the limits, where the gaps are smaller than this."""


@dataclass(frozen=True)
class TrajectorySettings:
    """How trajectories are improved."""

    horizon: int = 250
    """Steps of a plan."""
    drawn: int = 24
    """Random smooth plans of actions that are tried."""
    waves: int = 4
    """Sine waves that a random plan is the sum of; the fastest has so many periods in a plan."""
    plans: int = 24
    """The cheapest of them, which are improved side by side."""
    pumping: float = 0.0
    """Share of the random plans that push along the motion, so that the energy grows: for weak motors."""
    paths: bool = False
    """Whether plans begin as random paths to the goal instead: for several links."""
    loose_rounds: int = 0
    """Improvements in which actions may exceed their limits, at a price that rises: for several links."""
    rounds: int = 120
    """Improvements within the limits. Only the best quarter of the plans is improved in the last two thirds of them, or
    in all of them where there are loose rounds."""
    moves: int = 0
    """Times that the best plans are moved, where plans end in many different minima. Moved plans are done in less time
    and with random detours, are improved as often as ``rounds`` says, and are kept where they are cheaper."""
    final: float = 1.0
    """Weight of the cost-to-go at the end of a plan. It assumes forces without limits; more than 1 asks a plan to end
    where limited forces can hold."""
    penalty: float = 1e-3
    """Cost of the square of an action, as a share of its limit."""
    share: float = 0.95
    """Largest action of a plan, as a share of its limit: the rest is left to the feedback."""
    feedback: float = 1e-2
    """Cost of the square of an action in the recursion of the gains."""

    def __post_init__(self) -> None:
        """Check the settings.

        Raises:
            InputError: a setting has another type, or is out of its range.
        """
        check_fields(self)
        for name in ("horizon", "drawn", "waves", "plans"):
            whole_number(getattr(self, name), name, at_least=1)
        for name in ("loose_rounds", "rounds", "moves"):
            whole_number(getattr(self, name), name, at_least=0)
        for name in ("final", "penalty", "share", "feedback"):
            finite_number(getattr(self, name), name, above=0.0)
        if not 0 <= self.pumping <= 1 or self.share > 1:
            raise InputError(f"pumping is between 0 and 1, and share at most 1, not {self.pumping} and {self.share}.")


@dataclass(frozen=True)
class Trajectory:
    """A plan.

    Attributes:
        states: [q, v] ``(H + 1, 2n)``.
        actions: a ``(H, m)``, shares of the limits within [-1, 1].
        gains: K ``(H, m, 2n)``.
        cost: of the plan.
    """

    states: np.ndarray
    actions: np.ndarray
    gains: np.ndarray
    cost: float


class TrackedTrajectory:
    """Follows a trajectory by its gains, then holds the goal, with the ``predict`` of stable-baselines3."""

    @checked_arguments
    def __init__(
        self, world: WorldModel, task: Task, trajectory: Trajectory, hold: LinearQuadratic | None = None
    ) -> None:
        """Follow a trajectory of a world.

        Args:
            world: what it was planned in.
            task: whose action space has the limits.
            trajectory: the plan.
            hold: the controller that takes over at its end; None: nothing is done after it.

        Raises:
            InputError: the actions are not real numbers within limits.
        """
        self._world, self._trajectory, self._hold = world, trajectory, hold
        self._limits = largest_actions(task)

    def predict(
        self, observation: np.ndarray, state: Any = None, episode_start: Any = None, deterministic: bool = True
    ) -> tuple[np.ndarray, Any]:
        """Return actions ``(..., m)`` for observations ``(..., d)``, and the steps done in every episode ``(...)``."""
        seen, plan = np.asarray(observation, np.float64), self._trajectory
        done = np.zeros(seen.shape[:-1], np.int64) if state is None else state
        if episode_start is not None:
            done = np.where(np.reshape(episode_start, done.shape), 0, done)
        step = np.minimum(done, len(plan.actions) - 1)
        at = np.concatenate(self._world.coordinates.state(seen), axis=-1)
        back = np.einsum("...mn,...n->...m", plan.gains[step], turned(at - plan.states[step], self._world))
        planned = self._limits * (plan.actions[step] + back)
        after = 0 * planned if self._hold is None else self._hold.action(self._world.encode(seen))
        wanted = np.where((done < len(plan.actions))[..., None], planned, after)
        return np.clip(wanted, -self._limits, self._limits), done + 1


@checked_arguments
def optimised(
    world: WorldModel,
    task: Task,
    observation: np.ndarray,
    hold: LinearQuadratic | None = None,
    *,
    settings: TrajectorySettings | None = None,
    seed: int = 0,
) -> list[Trajectory]:
    """Improve plans from one start.

    Args:
        world: on NumPy.
        task: its reward, and the limits of its actions, which are the same on both sides of 0.
        observation: of the start ``(d,)``.
        hold: the controller at the goal; None: what follows the plan costs nothing.
        settings: how.
        seed: of the first plans.

    Returns:
        The best quarter of the plans, the cheapest first.

    Raises:
        InputError: the actions are not real numbers within limits, or there is no goal for paths.
        NotTraceable: the step or the reward branches on values.
    """
    settings = settings or TrajectorySettings()
    if settings.paths and hold is None:
        raise InputError("Plans can begin as paths only where there is a goal: pass `hold`, or leave `paths` out.")
    start = np.concatenate(world.coordinates.state(np.asarray(observation, np.float64)))
    improvement = Improvement(
        _without_limits(world),
        task,
        hold,
        penalty=settings.penalty,
        share=settings.share,
        final=settings.final,
        feedback=settings.feedback,
    )
    rng = np.random.default_rng(seed)
    plans = _first_plans(improvement, world, start, hold, settings, rng)
    quarter = max(1, settings.plans // 4)
    for done in range(settings.loose_rounds):
        if done == _EARLY:
            plans = _best(plans, 2 * quarter)
        if done == settings.loose_rounds // 2:
            plans = _best(plans, quarter, improvement.cost_at(plans, np.full(len(plans.cost), _DEAR)))
        if done >= _EARLY:
            _raise_price(plans, improvement)
        improvement.improve(plans)
    plans.limit = np.maximum(settings.share, np.abs(plans.actions).max(axis=(1, 2)))
    for done in range(settings.rounds):
        if done == settings.rounds // 3:
            plans = _best(plans, quarter)
        _tighten(plans, improvement, settings.share)
        improvement.improve(plans)
    plans.limit = np.full(len(plans.cost), settings.share)
    for _ in range(settings.moves):
        plans = _different(plans, max(1, quarter // 3))
        plans = _different(plans.joined(_moved(plans, improvement, world, settings, rng, count=quarter)), quarter)
    improvement.followed(plans)
    gains = improvement.tracking(plans)
    return [
        Trajectory(plans.states[i], plans.actions[i], gains[i], float(plans.cost[i])) for i in np.argsort(plans.cost)
    ]


def _first_plans(
    improvement: Improvement,
    world: WorldModel,
    start: np.ndarray,
    hold: LinearQuadratic | None,
    settings: TrajectorySettings,
    rng: np.random.Generator,
) -> Plans:
    limit = np.inf if settings.loose_rounds else settings.share
    controls = len(world.coordinates.controls)
    if settings.paths and hold is not None:
        states = paths(rng, world, start, hold.goal, rows=settings.plans, steps=settings.horizon, waves=settings.waves)
        actions = 0.1 * rng.normal(size=(settings.plans, 1, controls)) + np.zeros((1, settings.horizon, 1))
        return improvement.plans(states, actions, limit=limit, excess=_CHEAP)
    shape = settings.drawn, settings.horizon, controls
    actions = pumped_actions(
        rng,
        improvement.step,
        world,
        start,
        shape,
        waves=settings.waves,
        share=settings.share,
        pumping=settings.pumping,
    )
    states = np.broadcast_to(start, (len(actions), settings.horizon + 1, len(start))).copy()
    with np.errstate(all="ignore"):
        for t in range(settings.horizon):
            states[:, t + 1], _ = improvement.step(states[:, t], actions[:, t])
    plans = improvement.plans(states, actions, limit=limit, excess=_CHEAP)
    plans.gaps = np.zeros_like(plans.gaps)
    return _best(plans, settings.plans)


def _best(plans: Plans, count: int, cost: np.ndarray | None = None) -> Plans:
    """The cheapest plans, by default by what they cost now; a gap costs more than anything else."""
    cost = plans.cost if cost is None else cost
    return plans.rows(np.argsort(cost + 1e3 * np.abs(plans.gaps).sum(axis=(1, 2)))[:count])


def _moved(
    plans: Plans,
    improvement: Improvement,
    world: WorldModel,
    settings: TrajectorySettings,
    rng: np.random.Generator,
    *,
    count: int,
) -> Plans:
    """So many plans that are drawn, moved and improved."""
    which = rng.integers(len(plans.cost), size=count)
    states, actions = moved(rng, plans.states[which], plans.actions[which], dt=world.dt, waves=settings.waves)
    others = improvement.plans(states, actions, limit=settings.share, excess=0.0)
    for _ in range(settings.rounds):
        improvement.improve(others)
    return others


def _different(plans: Plans, count: int) -> Plans:
    """The cheapest plans, no two of which cost the same."""
    plans = _best(plans, len(plans.cost))
    new = np.diff(plans.cost, prepend=-np.inf) > _SAME
    new[0] = True  # also where no cost is a number
    return plans.rows(np.flatnonzero(new)[:count])


def _raise_price(plans: Plans, improvement: Improvement) -> None:
    """Raise the price of an excess where a plan has no gap, and is improved by long corrections or by none.

    Where the excess costs more than the rest of the plan, it does not need a higher price.
    """
    stopped = (plans.length == 0) & (plans.damping >= DAMPEST)
    paid = plans.cost < 2 * improvement.cost_at(plans, 0 * plans.excess)
    ready = (plans.gap == 0) & paid & (stopped | (plans.length >= 0.25))
    excess = np.where(ready, np.minimum(plans.excess * _RISE, _DEAR), plans.excess)
    plans.damping = np.where(stopped, np.minimum(plans.damping, 1.0), plans.damping)
    plans.cost, plans.excess = improvement.cost_at(plans, excess), excess


def _tighten(plans: Plans, improvement: Improvement, share: float) -> None:
    """Bring the largest actions nearer to the limits, which opens small gaps."""
    which = (plans.limit > share) & (plans.gap < _TIGHT)
    if not which.any():
        return
    plans.limit = np.where(which, np.maximum(share, plans.limit * _TIGHTER), plans.limit)
    limit = plans.limit[:, None, None]
    plans.actions = np.clip(plans.actions, -limit, limit)
    improvement.measure(plans, which)


def _without_limits(world: WorldModel) -> WorldModel:
    coordinates = world.coordinates
    free = tuple(replace(control, limit=None) for control in coordinates.controls)
    return replace(world, coordinates=replace(coordinates, controls=free))
