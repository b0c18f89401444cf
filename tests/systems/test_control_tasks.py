"""Tasks of Gymnasium's own environments have their spaces, starts, rewards, terminations and lengths."""

from __future__ import annotations

from typing import Any

import gymnasium
import numpy as np
import pytest

from hnn_gym.errors import InputError
from hnn_gym.systems import SYSTEMS, System

CLASSIC = [SYSTEMS[env_id] for env_id in ("CartPole-v1", "Acrobot-v1", "MountainCar-v0", "MountainCarContinuous-v0")]
MUJOCO = [
    SYSTEMS[env_id] for env_id in ("InvertedPendulum-v5", "InvertedDoublePendulum-v5", "Reacher-v5", "Swimmer-v5")
]
_STALE = {"InvertedDoublePendulum-v5": 1e-4, "Reacher-v5": 1e-3}
"""MuJoCo pays for tips, and shows them, that were placed before the last correction of the step."""
_AT_A_STOP = 0.05
"""The same where a joint meets a stop, which corrects the step by much."""


def made(system: System) -> gymnasium.Env[Any, Any]:
    if system in MUJOCO:
        pytest.importorskip("mujoco", reason="the real environment needs MuJoCo")
    return gymnasium.make(system.id)


def true_state(env: gymnasium.Env[Any, Any]) -> tuple[np.ndarray, np.ndarray]:
    """(q, v) of the real environment, from what it keeps itself."""
    inside: Any = env.unwrapped
    if hasattr(inside, "data"):
        return inside.data.qpos.copy(), inside.data.qvel.copy()
    state = np.asarray(inside.state, np.float64)
    return (state[::2], state[1::2]) if "CartPole" in type(inside).__name__ else np.split(state, 2)  # type: ignore[return-value]


@pytest.mark.parametrize("system", [*CLASSIC, *MUJOCO], ids=lambda system: system.id)
def test_spaces_and_length_are_the_real_ones(system: System) -> None:
    env, task = made(system), system.task_for()
    assert task is not None
    assert env.spec is not None
    assert task.observation_space == env.observation_space
    assert task.action_space == env.action_space
    assert task.max_episode_steps == env.spec.max_episode_steps


@pytest.mark.parametrize("system", [*CLASSIC, *MUJOCO], ids=lambda system: system.id)
def test_starts_are_those_of_the_same_seed(system: System) -> None:
    env, task, coordinates = made(system), system.task_for(), system.coordinates_for()
    assert task is not None
    assert coordinates is not None
    for seed in range(20):
        observation, _ = env.reset(seed=seed)
        q, v = task.initial(np.random.default_rng(np.random.PCG64(seed)), {})
        seen = coordinates.observation(q, v).astype(observation.dtype)
        np.testing.assert_allclose(seen, observation, rtol=0, atol=1e-6)  # an ulp of cosines in float32


@pytest.mark.parametrize("system", CLASSIC, ids=lambda system: system.id)
def test_reset_options_are_those_of_gymnasium(system: System) -> None:
    env, task, coordinates = made(system), system.task_for(), system.coordinates_for()
    assert task is not None
    assert coordinates is not None
    options = {"low": -0.31, "high": -0.3}
    observation, _ = env.reset(seed=3, options=options)
    seen = coordinates.observation(*task.initial(np.random.default_rng(np.random.PCG64(3)), options))
    np.testing.assert_allclose(seen, observation, rtol=0, atol=1e-6)
    with pytest.raises(InputError, match="low <= high"):
        task.check_options({"low": 1.0, "high": 0.0})


@pytest.mark.parametrize("system", [*CLASSIC, *MUJOCO], ids=lambda system: system.id)
def test_rewards_and_terminations_are_the_real_ones(system: System) -> None:
    env, task, coordinates = made(system), system.task_for(), system.coordinates_for()
    assert task is not None
    assert coordinates is not None
    rng, ends = np.random.default_rng(0), 0
    env.action_space.seed(0)
    for episode in range(8):
        observation, _ = env.reset(seed=episode)
        if system.id.startswith(("MountainCar", "Acrobot")):  # random actions never reach their goals
            _throw(env, rng)
        for _ in range(150):
            q, v = true_state(env)
            action: Any = env.action_space.sample()
            observation, reward, terminated, *_ = env.step(action)
            next_q, next_v = true_state(env)
            u = coordinates.force(coordinates.control_vector(np.atleast_1d(action)).astype(np.float64))
            stale = _STALE.get(system.id, 1e-6)
            if system.id == "Reacher-v5" and max(abs(q[1]), abs(next_q[1])) > 2.9:
                stale = _AT_A_STOP
            assert task.reward(q, v, u, next_q, next_v) == pytest.approx(reward, rel=1e-6, abs=stale)
            assert bool(task.terminated(next_q, next_v)) == terminated
            np.testing.assert_allclose(
                coordinates.observation(next_q, np.clip(next_v, *_shown(system))),
                observation,
                rtol=0,
                atol=max(1e-5, stale),
            )
            if terminated:
                ends += 1
                break
    assert ends > 0 or system.id in ("Reacher-v5", "Swimmer-v5")  # which have no end but their length


def _throw(env: gymnasium.Env[Any, Any], rng: np.random.Generator) -> None:
    """Put the environment where random actions come to an end."""
    inside: Any = env.unwrapped
    if hasattr(inside, "goal_position"):
        inside.state = np.array([rng.uniform(0.2, 0.4), rng.uniform(0.03, 0.07)])
    else:
        inside.state = np.array([rng.uniform(2.2, 3.0), rng.uniform(-0.5, 0.5), 0.0, 0.0])


def _shown(system: System) -> tuple[float, float]:
    """MuJoCo's double pendulum clips the velocities that it shows."""
    return (-10.0, 10.0) if "Double" in system.id else (-np.inf, np.inf)
