"""From random steps to a real return: record, learn, plan in the dream, follow the plan in reality."""

from __future__ import annotations

from dataclasses import dataclass
from time import process_time
from typing import Any

import numpy as np

from experiments.array_dataset import dataset_of
from experiments.lagrangian_rl.systems import SYSTEMS, Upright
from experiments.structures import NETWORK, learned, structure_of
from hnn_gym.agents.lqr import LinearQuadratic
from hnn_gym.agents.traced_step import TracedStep
from hnn_gym.agents.trajectory import TrackedTrajectory, TrajectorySettings, optimised
from hnn_gym.data import TransitionDataset
from hnn_gym.systems import System
from hnn_gym.worlds.world_model import WorldModel

STEPS, EPISODE = 10_000, 1_000
FITTED = 2_000
"""Of the recorded steps that a model with physics is fitted to, at equal distances."""
STARTS, DREAMT = 20, 40
WEIGHTS = (0.25, 0.003)
"""Of the squares of positions and velocities about the goal: how the reward falls there, to second order."""
_KEPT = 0.97
"""Of what a plan promises, EPISODE - cost, what it has to earn in the dream to keep its promise."""
_SEVERAL_LINKS: dict[str, Any] = {"paths": True, "loose_rounds": 150, "rounds": 80, "feedback": 0.1}


@dataclass(frozen=True)
class Search:
    """How a plan of a task is found."""

    settings: TrajectorySettings
    times: int = 1
    """Searches from other first plans; the plan that earns the most in the dream is followed."""
    most: int = 0
    """Searches where no plan has kept its promise in the dream before; 0: no more than ``times``."""
    effort: float = 1e-3
    """Weight of the square of an action in the linear controller that holds the goal: the more it is, the further from
    the goal the controller keeps actions within their limits, and the nearer to the goal a plan has to end."""


def _several_links(horizon: int) -> Search:
    settings = TrajectorySettings(horizon=horizon, plans=8, **_SEVERAL_LINKS)
    return Search(settings, times=2, most=6, effort=0.1)


def _moved(horizon: int, *, moves: int) -> Search:
    settings = TrajectorySettings(horizon=horizon, share=0.98, plans=40, moves=moves, **_SEVERAL_LINKS)
    return Search(settings, most=3, effort=0.1)


SEARCH = {
    "Reacher": Search(
        TrajectorySettings(horizon=150, share=1.0, plans=4, rounds=200, final=10.0, feedback=1.0), times=3
    ),
    "Pendulum": Search(TrajectorySettings(horizon=300)),
    "Cartpole": Search(TrajectorySettings(horizon=250, share=0.99, drawn=200)),
    "Acrobot": _moved(170, moves=8),
    "Cart-2-pole": _several_links(280),
    "Cart-3-pole": _moved(170, moves=4),
    "Acro-3-bot": _moved(160, moves=4),
}
"""By task; chosen in the true worlds, with seeds that are not reported."""


def task_of(system: System) -> Upright:
    """The task of a system of this study."""
    task = system.task_for()
    assert isinstance(task, Upright)
    return task


def random_steps(system: System, *, steps: int, seed: int) -> TransitionDataset:
    """Episodes of at most 1,000 uniform random actions."""
    world, task, rng = system.true_world(), task_of(system), np.random.default_rng(seed)
    episodes, length = -(-steps // EPISODE), min(steps, EPISODE)
    actions = rng.uniform(-1, 1, (length, episodes, len(world.coordinates.controls)))
    q, v = task.hanging(rng.normal(size=(episodes, world.coordinates.n)))
    path = world.decode(world.rollout(world.phase_point(q, v), actions))
    return dataset_of(system, np.moveaxis(path, 0, 1), np.moveaxis(actions, 0, 1))


def model(name: str, structure: str, *, steps: int, seed: int) -> tuple[WorldModel, float]:
    """A world learned from random steps, and its CPU time in s; "truth" is the true world."""
    system = SYSTEMS[name]
    if structure == "truth":
        return system.true_world(), 0.0
    dataset = random_steps(system, steps=steps, seed=seed)
    fitted = None if structure == NETWORK else FITTED
    return learned(dataset, structure_of(structure, f"lagrangian_rl/{name}"), seed=seed, fitted=fitted)


def goal_error(name: str, world: WorldModel, *, seed: int = 5) -> float:
    """Error of the change of velocities in one step at states about the upright, relative to that change.

    Random steps never come near these states.
    """
    true, rng = SYSTEMS[name].true_world(), np.random.default_rng(seed)
    n, controls = true.coordinates.n, len(true.coordinates.controls)
    q, v = rng.uniform(-0.5, 0.5, (200, n)), rng.uniform(-2, 2, (200, n))
    action = rng.uniform(-1, 1, (200, controls))
    changes = [w.state(w.step(w.phase_point(q, v), action))[1] - v for w in (true, world)]
    return float(np.sqrt(np.mean((changes[1] - changes[0]) ** 2) / np.mean(changes[0] ** 2)))


def returns(world: WorldModel, task: Upright, agent: TrackedTrajectory, numbers: np.ndarray) -> np.ndarray:
    """Returns ``(N,)`` of whole episodes from the starts of standard normal numbers ``(N, n)``."""
    step, state, total = TracedStep(world, task), None, np.zeros(len(numbers))
    s = np.concatenate(task.hanging(numbers.copy()), axis=-1)
    for _ in range(EPISODE):
        action, state = agent.predict(world.coordinates.observation(*np.split(s, 2, axis=-1)), state)
        s, reward = step(s, action)
        total += reward
    return total


def earned(
    name: str, world: WorldModel, *, seed: int, search: Search | None = None, episodes: int = STARTS, starts: int = 0
) -> dict[str, Any]:
    """Plan in a world and act in reality, from starts of a seed: returns, the return in the dream, CPU time."""
    begin, system, search = process_time(), SYSTEMS[name], search or SEARCH[name]
    task, coordinates = task_of(system), world.coordinates
    force = search.effort / max(control.scale for control in coordinates.controls) ** 2
    hold = LinearQuadratic(world, position=np.zeros(coordinates.n), weights=(*WEIGHTS, force), tolerance=np.inf)
    mean = coordinates.observation(*task.hanging(np.zeros(coordinates.n)))
    dreamt = np.random.default_rng([seed, 1]).normal(size=(DREAMT, coordinates.n))
    agents: list[TrackedTrajectory] = []
    imagined: list[float] = []
    searches, kept = 0, False
    while searches < search.times or (searches < search.most and not kept):
        plans = optimised(world, task, mean, hold, settings=search.settings, seed=seed + 1000 * searches)
        searches += 1
        for plan in plans:
            agents.append(TrackedTrajectory(world, task, plan, hold))
            imagined.append(float(np.nan_to_num(returns(world, task, agents[-1], dreamt)).mean()))
            kept |= plan.cost < EPISODE / 2 and imagined[-1] > _KEPT * (EPISODE - plan.cost)
    best = int(np.argmax(imagined))
    seconds = process_time() - begin
    real = returns(
        system.true_world(), task, agents[best], np.random.RandomState(starts).normal(size=(episodes, coordinates.n))
    )
    return {
        "returns": [round(float(r), 1) for r in real],
        "dream": round(imagined[best], 1),
        "searches": searches,
        "plan_cpu_s": round(seconds),
    }
