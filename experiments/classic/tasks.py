"""The environments, how much of each is recorded, the agents that are made in their dreams, and the bars."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from experiments.classic.agents import (
    Agent,
    PlannerRecipe,
    backward_induction,
    energy_planner,
    height_planner,
    linear_policy,
    linear_quadratic,
    planner,
)
from experiments.classic.policy_search import SearchRecipe
from experiments.recipe_search import Grid as Candidates
from hnn_gym.agents.dynamic_programming import Grid
from hnn_gym.systems import SYSTEMS, Recording, System


@dataclass(frozen=True, eq=False)
class ClassicTask:
    """One environment of the study.

    Attributes:
        env_id: the real environment.
        transitions: real transitions that a world is learned from.
        agents: how agents are made.
        fresh: real steps that figures of worlds are measured on.
        bar: the mean real return to reach, or with ``share`` the return of single episodes.
        model_free: returns of agents that learned from the real environment, as others have published them.
        share: how many of all episodes have to reach the bar; None: their mean has to.
    """

    env_id: str
    transitions: int
    agents: tuple[Agent, ...]
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


def _tip(q: np.ndarray) -> np.ndarray:
    """The height of the acrobot's tip above its pivot ``(...)``, in lengths of a link."""
    return np.asarray(-np.cos(q[..., 0]) - np.cos(q[..., 0] + q[..., 1]))


SAC_ON_SWIMMER = 210.6
"""What SAC earns in Swimmer-v5 after 100,000 real steps, measured by this study."""
_CAR = Grid(positions=241, velocities=161, actions=21, position_range=(-1.2, 0.6))
_REACHING = PlannerRecipe(horizon=15, std=0.2, colour=2.0)
_REACHES: Candidates = {"std": (0.1, 0.2, 0.4)}
TASKS = {
    task.env_id: task
    for task in (
        ClassicTask(
            "CartPole-v1",
            500,
            (linear_quadratic(),),
            bar=500,
            share=1.0,
            model_free="DQN 500.0 after 50,000, PPO 500.0 after 100,000",
        ),
        ClassicTask(
            "Acrobot-v1",
            2_000,
            (
                energy_planner((np.pi, 0.0), PlannerRecipe(horizon=10, colour=0.0, weight=0.5)),
                height_planner(_tip, 2.0, PlannerRecipe(colour=2.0, horizon=10, std=4.0, weight=0.5)),
            ),
            bar=-80,
            model_free="DQN -76.6 after 100,000, PPO -73.5 after 1,000,000",
            fresh=50_000,
        ),
        ClassicTask(
            "MountainCarContinuous-v0",
            2_000,
            (backward_induction(_CAR, steps=300),),
            bar=93,
            model_free="PPO 88.3 after 20,000, SAC 94.7 after 50,000",
        ),
        ClassicTask(
            "MountainCar-v0",
            2_000,
            (backward_induction(_CAR, steps=200),),
            bar=-110,
            model_free="DQN -100.8 after 120,000, PPO -110.4 after 1,000,000",
        ),
        ClassicTask("InvertedPendulum-v5", 1_500, (linear_quadratic(),), bar=1_000, share=0.95),
        ClassicTask("InvertedDoublePendulum-v5", 1_500, (linear_quadratic(),), bar=9_300, share=0.95),
        ClassicTask(
            "Reacher-v5",
            2_000,
            (planner(PlannerRecipe(horizon=15, std=0.1, colour=2.0), _REACHING, _REACHES),),
            bar=-4.5,
            fresh=5_050,
        ),
        ClassicTask("Swimmer-v5", 5_000, (linear_policy(SearchRecipe()),), bar=SAC_ON_SWIMMER, fresh=6_000),
    )
}
"""The recipes of the agents were chosen in dreams of recording 100: ``python -m experiments.classic --choose``."""
