"""One cell of the rows with contacts: what the two commands give where feet hit the ground."""

from __future__ import annotations

import time
from typing import Any

import gymnasium
import numpy as np

from experiments.mechanisms.rows import CONTACT_HORIZONS, CONTACT_STEPS, FRESH, environment
from hnn_gym.errors import InputError
from hnn_gym.training import open_loop_error, train_auto

_USE = 200


def learned(env_id: str, seed: int) -> dict[str, Any]:
    """Learn a recording, judge the world on a fresh one, and use it for some steps of random actions."""
    dataset, fresh = (environment(env_id, "random", CONTACT_STEPS, one) for one in (seed, seed + FRESH))
    began = time.process_time()
    world = train_auto(dataset)
    seconds = time.process_time() - began
    selection = world.card["selection"]
    env = gymnasium.make("HNN-v0", world_model=world)
    env.reset(seed=0)
    env.action_space.seed(0)
    finite = 0
    for _ in range(_USE):
        observation, reward, terminated, truncated, _ = env.step(env.action_space.sample())
        finite += bool(np.isfinite([*observation, float(reward)]).all())
        if terminated or truncated:
            env.reset()
    return {
        "cpu_s": round(seconds, 1),
        "model": selection["chosen"]["model"],
        "has_energy": world.has_energy,
        "words": selection["words"],
        "errors": {str(one): open_loop_error(world, fresh, horizon=one, windows=200) for one in CONTACT_HORIZONS},
        "finite": finite / _USE,
        "bump": _bump(env),
        "task": world.card["task"]["figures"],
    }


def _bump(env: gymnasium.Env[Any, Any]) -> str:
    """What an energy bump says."""
    try:
        return f"{env.unwrapped.bump(1.0):.3g} J"  # type: ignore[attr-defined]
    except InputError as error:
        return str(error)
