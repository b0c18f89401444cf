"""An environment that the package does not know: recorded, learned, and made again from its coordinates alone."""

from __future__ import annotations

from typing import Any

import gymnasium
import numpy as np
import pytest
from gymnasium.spaces import Box
from gymnasium.wrappers import TimeLimit

import hnn_gym
from hnn_gym.coordinates import Control, Coordinates, DegreeOfFreedom
from hnn_gym.errors import InputError
from hnn_gym.training import FitSettings, train_world
from hnn_gym.worlds.world_model import WorldModel


class Trolley(gymnasium.Env[np.ndarray, np.ndarray]):
    """A mass on a spring that must not go beyond 1 m; it is paid for being near 0.5 m, and fined 5 at the end."""

    dt = 0.05
    observation_space = Box(-10, 10, (2,), np.float64)
    action_space = Box(-2, 2, (1,), np.float64)

    def reset(self, *, seed: int | None = None, options: Any = None) -> tuple[np.ndarray, dict[str, Any]]:
        super().reset(seed=seed)
        self._x = self.np_random.uniform(-1, 1, 2) * [0.8, 2.0]
        return self._x.copy(), {}

    def step(self, action: np.ndarray) -> tuple[np.ndarray, float, bool, bool, dict[str, Any]]:
        q, v = self._x
        v = v + (float(action[0]) - 2.0 * q) * self.dt
        self._x = np.array([q + v * self.dt, v])
        ended = bool(abs(self._x[0]) > 1.0)
        reward = -((self._x[0] - 0.5) ** 2) - 0.01 * float(action[0]) ** 2 - 5.0 * ended
        return self._x.copy(), float(reward), ended, False, {}


COORDINATES = Coordinates((DegreeOfFreedom(position=0, velocity=1),), (Control(degree=0, limit=2.0, unit="N"),))


@pytest.fixture(scope="module")
def learned() -> WorldModel:
    recording = hnn_gym.record_steps(TimeLimit(Trolley(), 40), steps=800, seed=0)
    settings = FitSettings(adam_steps=60, lbfgs_steps=150)
    return train_world(recording, "mechanical", coordinates=COORDINATES, settings=settings, options={"hidden": (8,)})


def test_it_pays_and_ends_as_the_real_one_with_nothing_declared(learned: WorldModel) -> None:
    env, real = gymnasium.make("HNN-v0", world_model=learned), Trolley()
    rng, ends = np.random.default_rng(1), 0
    for seed in range(12):
        start, _ = env.reset(seed=seed)
        real.reset(seed=seed)
        real._x = start.astype(np.float64)
        for _ in range(40):
            action = np.where(real._x[1:] > 0, 1.0, -1.0) * rng.uniform(1, 2)  # drives it towards its ends
            seen, reward, terminated, *_ = env.step(action)
            real_seen, real_reward, real_terminated, *_ = real.step(action)
            np.testing.assert_allclose(seen, real_seen, atol=5e-3)  # errors of the world add up over 40 steps
            if abs(abs(real_seen[0]) - 1.0) < 0.02:  # where a threshold lies is known as well as the data show it
                break
            assert terminated == real_terminated
            assert reward == pytest.approx(real_reward, abs=0.02)
            if terminated:
                ends += 1
                break
    assert ends > 3


def test_the_card_says_in_words_what_was_learned(learned: WorldModel, tmp_path: Any) -> None:
    words = " ".join(learned.card["task"]["words"])
    assert "An episode terminates where" in words
    assert "-5 where the episode terminates" in words
    learned.save(tmp_path / "world")
    again = gymnasium.make("HNN-v0", world_model=str(tmp_path / "world"))
    env = gymnasium.make("HNN-v0", world_model=learned)
    for made in (again, env):
        made.reset(seed=3)
    assert again.step(np.ones(1))[1] == env.step(np.ones(1))[1]


def test_starts_are_those_that_were_recorded(learned: WorldModel) -> None:
    env = gymnasium.make("HNN-v0", world_model=learned)
    starts = np.array(learned.card["data"]["starts"])
    for seed in range(5):
        start, _ = env.reset(seed=seed)
        assert np.abs(starts - start).max(-1).min() < 1e-9


def test_a_reward_of_ones_own_replaces_the_learned_one_and_leaves_the_end(learned: WorldModel) -> None:
    env = gymnasium.make("HNN-v0", world_model=learned, reward=lambda before, force, after: after[..., 0])
    env.reset(seed=0)
    seen, reward, *_ = env.step(np.zeros(1))
    assert reward == pytest.approx(seen[0])
    env.unwrapped.state = np.array([0.999, 2.0])
    assert env.step(np.zeros(1))[2]


def test_a_damaged_head_is_refused_by_name(learned: WorldModel) -> None:
    from dataclasses import replace

    damaged = replace(learned, card={**learned.card, "task": {"reward": {"kind": "oracle"}}})
    with pytest.raises(InputError, match="learned reward and termination of this world cannot be read"):
        gymnasium.make("HNN-v0", world_model=damaged)


def test_an_end_of_ones_own_replaces_the_learned_one_in_every_shell(learned: WorldModel) -> None:
    def beyond(observation: Any) -> Any:
        return observation[..., 0] > 0.5

    env = gymnasium.make("HNN-v0", world_model=learned, terminated=beyond).unwrapped
    envs = gymnasium.make_vec("HNN-v0", num_envs=2, world_model=learned, terminated=beyond)
    env.reset(seed=0)
    env.state = np.array([0.49, 1.0])
    assert env.step(np.zeros(1))[2]
    env.state = np.array([-1.2, 0.0])
    assert not env.step(np.zeros(1))[2]
    envs.reset(seed=0)
    seen, _, ended, *_ = envs.step(np.zeros((2, 1)))
    np.testing.assert_array_equal(ended, seen[:, 0] > 0.5)


@pytest.mark.parametrize(
    ("terminated", "words"),
    [
        (3, "must be a function f\\(observation\\)"),
        (lambda observation, force: True, "fails on the observation of one state"),
        (lambda observation: observation, "True or False for one state"),
        (lambda observation: 0.5, "True or False for one state"),
    ],
)
def test_an_invalid_termination_is_refused_when_the_environment_is_made(
    learned: WorldModel, terminated: Any, words: str
) -> None:
    with pytest.raises(InputError, match=words):
        gymnasium.make("HNN-v0", world_model=learned, terminated=terminated)
