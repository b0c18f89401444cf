"""What a task or a reward of one's own costs: ``python -m benchmarks.own_tasks --out docs/results/own_tasks.json``.

One environment, stepped through its shell, against the task that ships with it. The contestants take turns, and a ratio
is the time of a step under one's own task over that under the shipped one.
"""

from __future__ import annotations

import statistics
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np

from benchmarks.timing import Row, compared, report, rounds, timed
from hnn_gym.command import run
from hnn_gym.envs import SimulatorEnv, build_simulator
from hnn_gym.envs.stepping import reference_step
from hnn_gym.errors import NotCompiledWarning
from hnn_gym.physics.phase import Array
from hnn_gym.systems import PendulumSwingUp

COMMAND = "python -m benchmarks.own_tasks --out docs/results/own_tasks.json"
BAR = 1.2
WEIGHTS = {"angle": 1.0, "speed": 0.1, "torque": 0.001}


@dataclass(frozen=True)
class Settings:
    """Compare tasks and rewards of one's own with shipped ones."""

    out: Path | None = None
    """JSON file for the results; None only prints them."""
    repeats: int = 500
    """Rounds of every comparison."""
    quick: bool = False
    """One round, little work: does it run at all?"""


class Shorter(PendulumSwingUp):
    """A subclass that changes the length alone."""

    max_episode_steps = 100


class Slower(PendulumSwingUp):
    """A subclass with a number and a reward of its own."""

    def __init__(self, weight: float) -> None:
        """Weigh the speed after the step."""
        self.weight = weight

    def reward(self, q: Array, v: Array, u: Array, next_q: Array, next_v: Array) -> Array:
        """The shipped reward less the speed after the step."""
        return super().reward(q, v, u, next_q, next_v) - self.weight * next_v[..., 0] ** 2


def reward(observation: Array, force: Array, next_observation: Array) -> Array:
    """The reward of Pendulum-v1 as a plain function of observations."""
    angle = np.arctan2(observation[..., 1], observation[..., 0])
    return -(angle**2 + 0.1 * observation[..., 2] ** 2 + 0.001 * force[..., 0] ** 2)


def weighted(observation: Array, force: Array, next_observation: Array) -> Array:
    """The same with weights from a dict of the module."""
    angle = np.arctan2(observation[..., 1], observation[..., 0])
    speed, torque = observation[..., 2], force[..., 0]
    return -(WEIGHTS["angle"] * angle**2 + WEIGHTS["speed"] * speed**2 + WEIGHTS["torque"] * torque**2)


def random_reward(observation: Array, force: Array, next_observation: Array) -> Array:
    """The same with noise: it cannot be compiled."""
    return reward(observation, force, next_observation) + np.random.normal()


def steps(world: str, repeat: int, **options: Any) -> Callable[[], float]:
    """Steps of one environment."""
    env = SimulatorEnv(world, **options)
    env.reset(seed=0)
    action = env.action_space.sample()
    env.step(action)
    return timed(lambda: env.step(action), repeat=repeat)


def uncompiled(world: str, repeat: int, **options: Any) -> Callable[[], float]:
    """The definition of the same step, in NumPy."""
    simulator = build_simulator(world, **options)
    x = simulator.world.phase_point(*simulator.task.initial(np.random.default_rng(0), {}))
    action = np.zeros(simulator.channel.space(simulator.task).shape or ())
    return timed(lambda: reference_step(simulator, x, action), repeat=repeat)


def batches(repeat: int, **options: Any) -> Callable[[], float]:
    """Steps of 1,024 copies."""
    envs = gymnasium.make_vec("HNNPendulum-v0", 1024, vectorization_mode="vector_entry_point", **options)
    envs.reset(seed=0)
    actions = envs.action_space.sample()
    return timed(lambda: envs.step(actions), repeat=repeat, units=1024)


def longer(what: str, seconds: Mapping[str, list[float]], ours: str, theirs: str, *, bar: float | None = None) -> Row:
    """How many times as long ours takes as theirs."""
    ratio = statistics.median(a / b for a, b in zip(seconds[ours], seconds[theirs], strict=True))
    return replace(compared(what, seconds, ours, theirs), ratio=ratio, bar=bar, at_most=True)


def _main(settings: Settings) -> None:
    count, work = 1 if settings.quick else settings.repeats, 40  # short turns, so that few are interrupted
    own: dict[str, dict[str, Any]] = {
        "a subclass with another length": {"task": Shorter()},
        "a subclass with another reward": {"task": Slower(0.1)},
        "reward=, a function of arrays": {"reward": reward},
        "reward=, with weights in a dict": {"reward": weighted},
        "reward=, with random numbers": {"reward": random_reward},
    }
    rows = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NotCompiledWarning)  # of the last one
        for world in ("HNNPendulum-v0", "Pendulum-v1"):
            contestants = {"shipped": steps(world, work)}
            contestants |= {name: steps(world, work, **options) for name, options in own.items()}
            seconds = rounds(contestants, count)
            rows += [
                longer(f"{world}, {name} / shipped", seconds, name, "shipped", bar=None if "random" in name else BAR)
                for name in own
            ]
        many = {"shipped": batches(max(2, work // 40)), "reward": batches(max(2, work // 40), reward=reward)}
        seconds = rounds(many, count)
        rows.append(
            longer("1,024 copies, reward=, a function of arrays / shipped", seconds, "reward", "shipped", bar=BAR)
        )
    variants: dict[str, tuple[str, dict[str, Any]]] = {
        "HNNPendulum-v0 by energy bumps": ("HNNPendulum-v0", {"actions": "bump"}),
        "HNNTwoBody-v0 by energy bumps": ("HNNTwoBody-v0", {"actions": "bump", "bump_limit": 0.02}),
        "HNNSpring-v0 with a moving goal, by bumps": ("HNNSpring-v0", {"actions": "bump", "task": "energy sweep"}),
    }
    for name, (world, options) in variants.items():
        seconds = rounds({"step": steps(world, work, **options), "NumPy": uncompiled(world, 1, **options)}, count)
        rows.append(compared(f"{name} / the same uncompiled", seconds, "step", "NumPy"))
    report(rows, command=COMMAND, out=settings.out)


if __name__ == "__main__":
    run(_main, Settings, prog="python -m benchmarks.own_tasks")
