"""Episodes from shared starts: the numbers of plain Gymnasium loops, for one predict a step."""

from __future__ import annotations

from functools import partial
from typing import Any

import gymnasium
import numpy as np
import pytest

import hnn_gym
from hnn_gym.agents.evaluate import episode_returns, paired_regret, play_episodes
from hnn_gym.errors import InputError


class Damper:
    """Pushes against the last entries of the observation, harder the longer the episode lasts: it has a memory."""

    def __init__(self, entries: int = 1) -> None:
        self.entries, self.calls = entries, 0

    def predict(
        self, observation: np.ndarray, state: Any = None, episode_start: Any = None, deterministic: bool = True
    ) -> tuple[np.ndarray, Any]:
        self.calls += 1
        age = np.zeros(len(observation)) if state is None else state
        age = np.where(episode_start, 0.0, age + 1)
        return np.clip(-observation[:, -self.entries :] * age[:, None] / 50, -1, 1), age


def plain_return(env: gymnasium.Env[Any, Any], seed: int, agent: Damper) -> tuple[float, int]:
    observation, _ = env.reset(seed=seed)
    total, steps, state, over = 0.0, 0, None, False
    while not over:
        action, state = agent.predict(observation[None], state, np.array([steps == 0]))
        observation, reward, terminated, truncated, _ = env.step(action[0].astype(np.float32))
        total, steps, over = total + float(reward), steps + 1, terminated or truncated
    return total, steps


@pytest.mark.parametrize(
    ("env_id", "entries"), [("Pendulum-v1", 1), ("HNNPendulum-v0", 1), ("Spring-v0", 1), ("TwoBody-v0", 2)]
)
def test_episodes_played_side_by_side_are_those_of_a_plain_loop(env_id: str, entries: int) -> None:
    agent = Damper(entries)
    played = play_episodes(agent, env_id, seeds=range(4))
    assert agent.calls == len(played.action)
    env = gymnasium.make(env_id)
    plain = [plain_return(env, seed, Damper(entries)) for seed in range(4)]
    # The batch rounds its observations in another order: the last bit of float32, over 400 steps of a stable motion.
    np.testing.assert_allclose(played.returns, [total for total, _ in plain], rtol=1e-5)
    np.testing.assert_array_equal(played.lengths, [steps for _, steps in plain])


def test_steps_after_the_end_of_an_episode_do_not_count_and_the_others_continue() -> None:
    class Brake(Damper):
        def predict(self, observation: np.ndarray, *_: Any, **__: Any) -> tuple[np.ndarray, Any]:
            return -np.sign(observation[:, 4:6]), None

    played = play_episodes(Brake(), "TwoBody-v0", seeds=range(8))
    lengths = played.lengths
    assert lengths.min() < lengths.max()
    early = int(lengths.argmin())
    assert not played.running[lengths[early] :, early].any()
    assert not played.reward[lengths[early] :, early].any()


def test_a_wrapped_environment_is_made_by_a_function_and_other_arguments_reach_it() -> None:
    shorter = partial(gymnasium.make, "Pendulum-v1", max_episode_steps=7)
    assert play_episodes(Damper(), shorter, seeds=[3, 1]).lengths.tolist() == [7, 7]
    heavier = episode_returns(Damper(), "Pendulum-v1", seeds=range(3), env_kwargs={"g": 20.0})
    assert not np.allclose(heavier, episode_returns(Damper(), "Pendulum-v1", seeds=range(3)))
    world = hnn_gym.envs.shipped.resolve_world("HNNPendulum-v0")
    ours = episode_returns(Damper(), "HNN-v0", seeds=range(3), env_kwargs={"world_model": world})
    np.testing.assert_array_equal(ours, episode_returns(Damper(), "HNNPendulum-v0", seeds=range(3)))


def test_episodes_can_be_cut() -> None:
    assert play_episodes(Damper(), "Pendulum-v1", seeds=range(2), max_steps=5).observation.shape == (6, 2, 3)


def test_what_cannot_be_evaluated_is_refused_by_name() -> None:
    with pytest.raises(InputError, match="Nowhere-v0"):
        episode_returns(Damper(), "Nowhere-v0", seeds=range(2))
    with pytest.raises(InputError, match="another task"):
        episode_returns(Damper(2), "Pendulum-v1", seeds=range(2))
    with pytest.raises(InputError, match="at least one seed"):
        episode_returns(Damper(), "Pendulum-v1", seeds=[])
    with pytest.raises(InputError, match="start by start"):
        paired_regret(np.zeros(3), np.zeros(4))
    np.testing.assert_array_equal(paired_regret(np.array([-3.0, -1.0]), np.array([-1.0, -1.0])), [2.0, 0.0])
