"""Calls that are right, from which wrong ones are made: functions with their arguments, and command lines.

What an environment or a planner is called with has the shapes of its own spaces, so that every shipped id is called
in the way that is right for it.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple


class RightCall(NamedTuple):
    """A function, and its arguments by name."""

    function: Callable[..., Any]
    arguments: dict[str, Any]


def ids() -> list[str]:
    """The ids of all shipped worlds."""
    from hnn_gym.envs.shipped import WEIGHTS

    return sorted(path.name for path in WEIGHTS.iterdir())


@cache
def of_environment(env_id: str) -> dict[str, RightCall]:
    """Calls of one environment, of a batch of it, and of a planner in it."""
    import gymnasium
    import numpy as np

    import hnn_gym
    from hnn_gym.agents.sampling import SamplingPlanner
    from hnn_gym.envs.build import build_simulator

    env: Any = gymnasium.make(env_id).unwrapped
    observation, _ = env.reset(seed=0)
    envs: Any = gymnasium.make_vec(env_id, 2)
    envs.reset(seed=0)
    simulator = build_simulator(env_id)
    planner = SamplingPlanner(simulator, horizon=2, samples=4)
    action, reset = env.action_space.sample(), {"seed": 0, "options": {}}
    options = {"dt": simulator.world.dt, "stepping": "recorded", "starts": None}
    bumps = {"actions": "bump", "bump_limit": 1.0, "bump_cost": 0.1} if simulator.world.has_energy else {}
    found = {
        "step": RightCall(lambda action: env.step(action), {"action": action}),
        "reset": RightCall(lambda seed, options: env.reset(seed=seed, options=options), reset),
        "vector step": RightCall(lambda actions: envs.step(actions), {"actions": np.stack([action, action])}),
        "vector reset": RightCall(lambda seed, options: envs.reset(seed=seed, options=options), reset),
        "make": RightCall(lambda **o: gymnasium.make(env_id, **o), options | bumps),
        "make_vec": RightCall(
            lambda **o: gymnasium.make_vec(env_id, **o),
            {"num_envs": 2, "dtype": "float64", "autoreset_mode": "NextStep", "max_episode_steps": 5},
        ),
        "predict": RightCall(lambda observation: planner.predict(observation), {"observation": observation}),
        "predict many": RightCall(
            lambda observation: planner.predict(observation), {"observation": np.stack([observation, observation])}
        ),
        "SamplingPlanner": RightCall(
            lambda **o: SamplingPlanner(simulator, **o), {"horizon": 2, "samples": 4, "std": 1.0, "seed": 0}
        ),
        "record_steps": RightCall(
            lambda steps, **o: hnn_gym.record_steps(env, steps=3 if steps == 10**9 else steps, **o),  # it can, in hours
            {"steps": 3, "seed": 0, "policy": "random", "dt": 0.1},
        ),
        "with_dt": RightCall(simulator.world.with_dt, {"dt": 0.1}),
    }
    if simulator.world.has_energy:
        found["bump"] = RightCall(lambda dE: env.bump(dE), {"dE": 0.1})
        found["counterfactual"] = RightCall(
            lambda **o: (env.reset(seed=0), hnn_gym.counterfactual(env, **o)),
            {"actions": [action] * 3, "bumps": {1: 0.1}},
        )
    if env.observation_space.is_bounded():
        found["ObservationNoise"] = RightCall(lambda share: hnn_gym.ObservationNoise(env, share), {"share": 0.1})
    return {f"{env_id} {name}": call for name, call in found.items()}


@cache
def of_the_package() -> dict[str, RightCall]:
    """Calls that belong to no environment."""
    import gymnasium

    import hnn_gym
    from hnn_gym.agents.energy_shaping import EnergyShaping
    from hnn_gym.envs.shipped import resolve_world

    world = resolve_world("HNNPendulum-v0")
    data = hnn_gym.record_steps(gymnasium.make("Pendulum-v1"), steps=40, seed=0)
    degree = hnn_gym.DegreeOfFreedom(position=0, velocity=1)
    return {
        "make HNN-v0": RightCall(
            lambda world_model: gymnasium.make("HNN-v0", world_model=world_model), {"world_model": world}
        ),
        "FitSettings": RightCall(
            hnn_gym.FitSettings,
            {"horizon": 1, "adam_steps": 1, "learning_rate": 0.1, "decay": 0.1, "seed": 0, "loss": "prediction"},
        ),
        "PixelSettings": RightCall(
            hnn_gym.PixelSettings,
            {"seed": 0, "steps": 1, "learning_rate": 0.1, "decay": 0.1, "warp": 2, "blur": None},
        ),
        "Control": RightCall(hnn_gym.Control, {"degree": 0, "limit": 1.0, "unit": "N", "scale": 1.0}),
        "DegreeOfFreedom": RightCall(
            hnn_gym.DegreeOfFreedom,
            {"position": 0, "velocity": 1, "speed_limit": 8.0, "stops": (-1.0, 1.0, 0.5), "velocity_scale": 0.5},
        ),
        "DegreeOfFreedom of an angle": RightCall(
            hnn_gym.DegreeOfFreedom,
            {"position": 0, "velocity": 1, "angle": True, "wraps": (0.0, 2 * math.pi)},
        ),
        "Coordinates": RightCall(
            hnn_gym.Coordinates, {"degrees": (degree,), "controls": (hnn_gym.Control(degree=0, limit=1.0),)}
        ),
        "FrameRule": RightCall(
            hnn_gym.FrameRule, {"size": 8, "channels": "rgb", "crop": (0.0, 1.0, 0.0, 1.0), "oversampling": 2}
        ),
        "Bodies": RightCall(hnn_gym.Bodies, {"count": 2}),
        "WorldModel.load": RightCall(hnn_gym.WorldModel.load, {"path": "nowhere"}),
        "TransitionDataset.open": RightCall(hnn_gym.TransitionDataset.open, {"path": "nowhere"}),
        "take_steps": RightCall(data.take_steps, {"steps": 10}),
        "windows": RightCall(data.windows, {"k": 2, "stride": 1}),
        "select": RightCall(data.select, {"indices": [0]}),
        "EnergyShaping": RightCall(
            lambda **o: EnergyShaping(world, **o), {"target": 1.0, "limit": 1.0, "tolerance": 0.1}
        ),
        "train_world": RightCall(
            hnn_gym.train_world,
            {
                "dataset": data,
                "model": "mechanical",
                "settings": hnn_gym.FitSettings(adam_steps=1, lbfgs_steps=0),
                "options": {"hidden": (2,)},
            },
        ),
    }


def command_lines(folder: Path) -> dict[str, tuple[Callable[[], Any], list[str]]]:
    """Command lines and what runs them; none of them gets to work, because what they read is not there."""
    from hnn_gym import collect, command, play, train
    from hnn_gym.agents import train as agents

    nowhere, out = str(folder / "nowhere"), str(folder / "out")
    collected = ["--env", "Pendulum-v1", "--out", out, "--steps", "3", "--seed", "0", "--policy", "zero"]
    return {
        "collect": (
            lambda: command.run(collect.main, collect.CollectSettings, prog="collect"),
            [*collected, "--env-kwargs", "{}"],
        ),
        "train": (train.main, [nowhere, "--out", out, "--model", "mechanical", "--hidden", "4", "--horizon", "1"]),  # type: ignore[attr-defined]
        "agents.train": (
            lambda: command.run(agents._main, agents.TrainAgentSettings, prog="agents.train"),
            ["--world", nowhere, "--out", out, "--algo", "sac", "--steps", "4", "--seed", "0"],
        ),
        "play": (
            lambda: command.run(play.play, play.PlaySettings, prog="play"),
            [nowhere, "--headless", "--frames", "1", "--out", f"{out}.gif", "--joules", "1"],
        ),
    }
