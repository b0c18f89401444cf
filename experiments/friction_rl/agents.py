"""Agents that are made in a world alone: on a grid, linear, or from a planned trajectory.

The pendulum has one degree of freedom, so that backward induction solves its task in a world. The cart-pole that stays
upright needs the linear controller. All others follow a trajectory that was planned from the mean start by its gains;
of several such trajectories the one is taken that earns most from starts that are drawn in the same world, with some
noise in every step, since no world is exact.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from time import process_time
from typing import Any

import numpy as np

from experiments.friction_rl.systems import SYSTEMS
from experiments.friction_rl.tasks import Handstand, Tip
from hnn_gym.agents.dynamic_programming import DynamicProgramming, Grid
from hnn_gym.agents.evaluate import Policy
from hnn_gym.agents.lqr import LinearQuadratic
from hnn_gym.agents.traced_step import TracedStep
from hnn_gym.agents.trajectory import TrackedTrajectory, TrajectorySettings, optimised
from hnn_gym.envs.core import Simulator
from hnn_gym.physics.dynamics import PortHamiltonian
from hnn_gym.systems import NumberedStarts
from hnn_gym.worlds.world_model import WorldModel

DREAMT = 40
"""Starts in the dream from which trajectories are compared."""
JITTER = 2e-3
"""Noise of every state there, in m, rad, m/s and rad/s."""
_FASTEST = 9.0
"""Of the pendulum without a speed limit, in rad/s: what a fall from the upright under full torque reaches."""


class RaiseTip(Handstand):
    """What the acrobot is planned for: the height of its tip, since -1 a step says nothing of the way there."""

    action_space = Tip.action_space


@dataclass(frozen=True)
class Planned:
    """How the agent of a task is planned.

    Attributes:
        start: q of the mean start.
        horizons: lengths of plans that are tried, in steps.
        settings: how trajectories are improved.
        goal: q that is held after the plan; None: the plan lasts as long as the episode, or until its end is reached.
        weights: of the linear controller at the goal.
        task: what is planned for; None: the task itself.
    """

    start: tuple[float, ...]
    horizons: tuple[int, ...]
    settings: TrajectorySettings
    goal: tuple[float, ...] | None = None
    weights: tuple[float, float, float] = (1.0, 0.1, 0.001)
    task: NumberedStarts | None = None

    def __call__(self, world: WorldModel, task: NumberedStarts, seed: int) -> Policy:
        """Plan in a world, and choose in it."""
        hold = None if self.goal is None else linear(world, self.goal, self.weights)
        q = np.array(self.start)
        mean = world.coordinates.observation(q, 0 * q)
        agents = [
            TrackedTrajectory(world, task, plan, hold)
            for horizon in self.horizons
            for plan in optimised(
                world, self.task or task, mean, hold, settings=replace(self.settings, horizon=horizon), seed=seed
            )
        ]
        numbers = np.random.default_rng([seed, 1]).random((DREAMT, task.start_numbers))
        earned = [returns(world, task, agent, numbers, jitter=JITTER).mean() for agent in agents]
        return agents[int(np.argmax(np.nan_to_num(earned, nan=-np.inf)))]


def returns(
    world: WorldModel, task: NumberedStarts, agent: Policy, numbers: np.ndarray, *, jitter: float = 0.0
) -> np.ndarray:
    """Returns ``(N,)`` of whole episodes in a world, from the starts of uniform numbers ``(N, k)``.

    The agent sees observations in float32, as the real environment gives them. With ``jitter``, normal noise of this
    size is added to every state.
    """
    rng = np.random.default_rng(0)
    step, s = TracedStep(world, task), np.concatenate(task.start(numbers, {}), axis=-1)
    total, running, state = np.zeros(len(s)), np.ones(len(s), bool), None
    with np.errstate(all="ignore"):  # a wrong world may leave all bounds
        for _ in range(task.max_episode_steps or 0):
            seen = world.coordinates.observation(*np.split(s, 2, axis=-1)).astype(np.float32)
            action, state = agent.predict(seen, state)
            s, reward = step(s, action)
            s = s + jitter * rng.normal(size=s.shape)
            total += running * reward
            running = running & ~task.terminated(*np.split(s, 2, axis=-1))
    return total


def linear(world: WorldModel, goal: tuple[float, ...], weights: tuple[float, float, float]) -> LinearQuadratic:
    """The linear controller, of the world without its forces beside viscous friction, which have no slope at rest."""
    if isinstance(world.dynamics, PortHamiltonian):
        world = replace(world, dynamics=replace(world.dynamics, forces=()))
    return LinearQuadratic(world, position=np.array(goal), weights=weights, tolerance=np.inf)


def on_a_grid(world: WorldModel, task: NumberedStarts, seed: int) -> Policy:
    """Backward induction."""
    grid = Grid(velocity_range=None if world.coordinates.speed_limits else (-_FASTEST, _FASTEST))
    assert task.max_episode_steps is not None
    return DynamicProgramming([Simulator(world, task)], steps=task.max_episode_steps, grid=grid)


def upright(world: WorldModel, task: NumberedStarts, seed: int) -> Policy:
    """The linear controller about the upright."""
    return linear(world, (0.0, 0.0), (1.0, 0.1, 0.001))


_SEARCH: dict[str, Any] = {"share": 0.98, "drawn": 2_000, "plans": 24, "rounds": 100, "waves": 24, "pumping": 0.5}
_LONG: dict[str, Any] = {**_SEARCH, "drawn": 500, "plans": 12}
_CAUTIOUS: dict[str, Any] = {**_SEARCH, "drawn": 1_000, "share": 0.94, "final": 1000.0}
AGENTS: dict[str, Callable[[WorldModel, NumberedStarts, int], Policy]] = {
    "Pendulum": on_a_grid,
    "Pendulum-sw": on_a_grid,
    "CartPole": upright,
    "CartPole-sw": Planned((0.0, np.pi), (500,), TrajectorySettings(**_LONG)),
    "CartPole raised": Planned((0.0, np.pi), (100,), TrajectorySettings(**_SEARCH), goal=(0.0, 0.0)),
    "Acrobot": Planned((0.0, 0.0), (100,), TrajectorySettings(**_SEARCH), task=RaiseTip()),
    "Acrobot-sw": Planned((0.0, 0.0), tuple(range(74, 94, 2)), TrajectorySettings(**_CAUTIOUS), goal=(np.pi, 0.0)),
}
"""By task."""


def real_returns(name: str, world: WorldModel, *, seed: int, starts: Sequence[int]) -> tuple[np.ndarray, float]:
    """Make the agent of a task in a world: its real returns ``(N,)`` from numbered starts, and its CPU time in s."""
    task = SYSTEMS[name].task_for()
    assert isinstance(task, NumberedStarts)
    begin = process_time()
    agent = AGENTS[name](world, task, seed)
    seconds = process_time() - begin
    numbers = np.stack([np.random.default_rng(start).random(task.start_numbers) for start in starts])
    return returns(SYSTEMS[name].true_world(), task, agent, numbers), seconds
