"""The tasks for bumps, solved from the learned H alone: a section of ``python -m experiments.bumps``.

In each of them an agent of a few lines, :mod:`hnn_gym.agents.energy_shaping`, gets observations of the *true*
environment and uses only the shipped learned world. The true energy judges its success. The numbers of the agents
(tolerance, and width of the target) were chosen in the learned environments, on other starts.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import gymnasium
import numpy as np
from gymnasium.spaces import Box

from hnn_gym.agents.energy_shaping import EnergyShaping, Target, circle, upright
from hnn_gym.agents.evaluate import Policy, play_episodes
from hnn_gym.agents.scripted import Idle
from hnn_gym.envs import SimulatorEnv
from hnn_gym.envs.shipped import resolve_world
from hnn_gym.systems import IdealPendulumSwingUp, OrbitTransfer, SpringHold
from hnn_gym.worlds.world_model import WorldModel

_SETTLED = 50
"""Steps after which the spring's energy has to be at the target."""


@dataclass(frozen=True)
class Course:
    """The trajectories from all starts, side by side, in the true world.

    Attributes:
        observation: ``(steps + 1, starts, d)``.
        state: [q, dq/dt] ``(steps + 1, starts, 2n)``.
        energy: true H in J ``(steps + 1, starts)``.
        reward: ``(steps, starts)``.
        ended: bool ``(starts,)``, whether an episode was terminated before its last step.
    """

    observation: np.ndarray
    state: np.ndarray
    energy: np.ndarray
    reward: np.ndarray
    ended: np.ndarray


def followed(env_id: str, agent: Policy, *, starts: int) -> Course:
    """Follow an agent from the starts of the seeds 0, 1, ... to the end of the episode."""
    episodes, env = play_episodes(agent, env_id, seeds=range(starts)), gymnasium.make(env_id).unwrapped
    assert isinstance(env, SimulatorEnv)
    world = env.world
    x = world.encode(episodes.observation.astype(np.float64))
    state = np.concatenate(world.state(x), axis=-1)
    ended = episodes.lengths < len(episodes.reward)
    return Course(episodes.observation, state, world.energy(x), episodes.reward, ended)


@dataclass(frozen=True)
class _Case:
    """A task, the world its agent knows, the agent's target, and how the true course is judged."""

    env_id: str
    world: str
    target: Callable[[WorldModel], float | Target]
    criterion: str
    judge: Callable[[Course], tuple[np.ndarray, np.ndarray]]
    """Which starts were solved, and abs(true H - target) in J at the end, each ``(starts,)``."""


def _held(course: Course) -> tuple[np.ndarray, np.ndarray]:
    error = np.abs(course.energy - float(SpringHold.target_energy))
    return error[_SETTLED:].max(0) <= 0.01, error[-1]


def _followed(course: Course) -> tuple[np.ndarray, np.ndarray]:
    error = np.abs(course.energy[1:] - course.observation[:-1, :, 2])
    return (error[_SETTLED:] <= 0.02).mean(0) >= 0.8, error[-1]


def _raised(course: Course) -> tuple[np.ndarray, np.ndarray]:
    q, v = np.split(course.state, 2, axis=-1)
    upright = (np.cos(q[..., 0]) < -np.cos(0.2)) & (np.abs(v[..., 0]) < 1.0)
    top = IdealPendulumSwingUp.truth.energy(np.array([np.pi, 0.0]))
    return upright.any(0), np.abs(course.energy[-1] - float(top))


def _circled(course: Course) -> tuple[np.ndarray, np.ndarray]:
    q, v = np.split(course.state[-1], 2, axis=-1)
    task = OrbitTransfer()
    energy = -1 / (2 * task.target_distance)  # G m_1 m_2 / 2 d of unit masses
    return ~course.ended & (task.orbit_error(q, v) < 0.01), np.abs(course.energy[-1] - energy)


_CASES = (
    _Case(
        "SpringBump-v0",
        "HNNSpring-v0",
        lambda world: float(SpringHold.target_energy),
        f"within 0.01 J of 0.5 J at every step after the first {_SETTLED}",
        _held,
    ),
    _Case(
        "SpringSweepBump-v0",
        "HNNSpring-v0",
        lambda world: lambda observation: observation[..., 2],
        f"within 0.02 J of the moving target at 80 % of the steps after the first {_SETTLED}, or more",
        _followed,
    ),
    _Case(
        "IdealPendulumBump-v0",
        "HNNIdealPendulum-v0",
        lambda world: upright(world, angle=np.pi),
        "within 0.2 rad of upright at less than 1 rad/s within 200 steps",
        _raised,
    ),
    _Case(
        "TwoBodyBump-v0",
        "HNNTwoBody-v0",
        lambda world: circle(world, distance=OrbitTransfer.target_distance),
        "orbit error e below 0.01 at the end, neither collided nor escaped",
        _circled,
    ),
)
BUMP_TASKS: Mapping[str, _Case] = {case.env_id: case for case in _CASES}
"""The tasks by their ids."""


def measure_task(env_id: str, starts: int) -> dict[str, Any]:
    """Share of starts solved, and the error of the true energy at the end; beside them the returns."""
    case = BUMP_TASKS[env_id]
    world, space = resolve_world(case.world), gymnasium.make(case.env_id).action_space
    assert isinstance(space, Box)
    agent = EnergyShaping(world, target=case.target(world), limit=float(space.high[0]), tolerance=1e-5)
    course, idle = (followed(case.env_id, one, starts=starts) for one in (agent, Idle(space)))
    solved, error = case.judge(course)
    return {
        "learned_world": case.world,
        "solved_if": case.criterion,
        "solved": int(solved.sum()),
        "solved_without_bumps": int(case.judge(idle)[0].sum()),
        "of": starts,
        "true_energy_error_at_the_end_J": {"median": float(np.median(error)), "worst": float(error.max())},
        "return_mean": float(course.reward.sum(0).mean()),
        "return_worst": float(course.reward.sum(0).min()),
        "return_without_bumps": float(idle.reward.sum(0).mean()),
    }
