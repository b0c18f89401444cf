"""The environments, how much of each is recorded, how agents are made in the dream, and the bars for real returns."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from hnn_gym.agents.dynamic_programming import DynamicProgramming, Grid
from hnn_gym.agents.evaluate import Policy
from hnn_gym.agents.lqr import LinearQuadratic
from hnn_gym.agents.planned_actions import NearestActions
from hnn_gym.agents.sb3 import AgentRecipe, train_agent
from hnn_gym.envs.core import Simulator
from hnn_gym.systems import SYSTEMS, Recording, System
from hnn_gym.worlds.world_model import WorldModel

Maker = Callable[[WorldModel, Simulator, int], Policy]
"""Makes an agent in a world alone: of the world, of the simulator of it and its task, and of a seed."""

_ON_POLICY = {"gamma": 0.99, "gae_lambda": 0.95, "n_steps": 64, "batch_size": 1024, "n_epochs": 8}


@dataclass(frozen=True)
class ClassicTask:
    """One environment of the study.

    Attributes:
        env_id: the real environment.
        transitions: real transitions that a world is learned from.
        agent: how the agent is made, for the table.
        make: makes it.
        fresh: real steps that figures of worlds are measured on.
        bar: the mean real return to reach, or with ``share`` the return of single episodes.
        model_free: returns of agents that learned from the real environment, as others have published them.
        share: how many of all episodes have to reach the bar; None: their mean has to.
    """

    env_id: str
    transitions: int
    agent: str
    make: Maker
    bar: float
    model_free: str = ""
    fresh: int = 20_000
    share: float | None = None

    @property
    def system(self) -> System:
        """What the package knows of it."""
        return SYSTEMS[self.env_id]

    @property
    def recording(self) -> Recording:
        """How it is recorded: as for the shipped twins, in the length of the study."""
        recording = self.system.recording
        assert recording is not None
        return replace(recording, steps=self.transitions)


def ppo(recipe: AgentRecipe) -> Maker:
    """PPO of stable-baselines3."""
    return lambda world, simulator, seed: train_agent(world, "ppo", recipe=recipe, seed=seed)


def backward_induction(grid: Grid, *, steps: int) -> Maker:
    """The best policy of the world on a grid."""
    return lambda world, simulator, seed: DynamicProgramming([simulator], steps=steps, grid=grid)


def linear_quadratic(world: WorldModel, simulator: Simulator, seed: int) -> Policy:
    """The linear controller about the upright, with the weights of its class; whole numbers are the nearest force."""
    policy = LinearQuadratic(world, position=np.zeros(world.coordinates.n))
    return policy if world.coordinates.force_table is None else NearestActions(policy, simulator)


_CAR = Grid(positions=241, velocities=161, actions=21, position_range=(-1.2, 0.6))
TASKS = {
    task.env_id: task
    for task in (
        ClassicTask(
            "CartPole-v1",
            500,
            "linear-quadratic control",
            linear_quadratic,
            bar=500,
            share=1.0,
            model_free="DQN 500.0 after 50,000, PPO 500.0 after 100,000",
        ),
        ClassicTask(
            "Acrobot-v1",
            2_000,
            "PPO",
            ppo(AgentRecipe(128, 300_000, 2e-3, arguments=_ON_POLICY)),
            bar=-80,
            model_free="DQN -76.6 after 100,000, PPO -73.5 after 1,000,000",
            fresh=50_000,
        ),
        ClassicTask(
            "MountainCarContinuous-v0",
            2_000,
            "backward induction",
            backward_induction(_CAR, steps=300),
            bar=93,
            model_free="PPO 88.3 after 20,000, SAC 94.7 after 50,000",
        ),
        ClassicTask(
            "MountainCar-v0",
            2_000,
            "backward induction",
            backward_induction(_CAR, steps=200),
            bar=-110,
            model_free="DQN -100.8 after 120,000, PPO -110.4 after 1,000,000",
        ),
        ClassicTask("InvertedPendulum-v5", 1_500, "linear-quadratic control", linear_quadratic, bar=1_000, share=0.95),
        ClassicTask(
            "InvertedDoublePendulum-v5", 1_500, "linear-quadratic control", linear_quadratic, bar=9_300, share=0.95
        ),
    )
}
"""The settings of the agents were chosen in dreams of recording 100, see :mod:`experiments.classic.command`."""
