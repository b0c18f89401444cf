"""An ensemble is one world with a conscience: the first member is stepped, and all of them say how sure they are."""

from __future__ import annotations

import gymnasium
import numpy as np
import pytest

import hnn_gym
from hnn_gym.envs.build import build_simulator
from hnn_gym.envs.shipped import resolve_world
from hnn_gym.errors import InputError

PAIR = ["HNNPendulum-v0", "BaselinePendulum-v0"]
ACTIONS = np.random.default_rng(0).uniform(-2, 2, (20, 1)).astype(np.float32)


def followed(**options: object) -> tuple[list[np.ndarray], list[float], list[bool], list[float]]:
    env = gymnasium.make("HNN-v0", **options)
    env.reset(seed=0)
    seen, rewards, ends, doubts = [], [], [], []
    for action in ACTIONS:
        observation, reward, terminated, _, info = env.step(action)
        seen.append(observation)
        rewards.append(float(reward))
        ends.append(terminated)
        doubts.append(info.get("disagreement", np.nan))
        if terminated:
            break
    return seen, rewards, ends, doubts


def test_the_first_member_is_stepped_and_disagreement_is_told() -> None:
    seen, rewards, _, doubts = followed(world_model=PAIR)
    alone, earned, _, silence = followed(world_model=PAIR[0])
    np.testing.assert_array_equal(seen, alone)
    assert rewards == earned
    assert all(doubt > 0 for doubt in doubts)
    assert np.isnan(silence).all()


def test_disagreement_is_the_spread_of_what_the_members_foretell() -> None:
    simulator = build_simulator(PAIR)
    x = simulator.world.phase_point(np.array([[0.4], [2.0]]), np.array([[1.0], [-3.0]]))
    action = np.array([[1.0], [-2.0]])
    foretold = []
    for name in PAIR:
        world = resolve_world(name)
        foretold.append(world.decode(world.step(world.phase_point(*simulator.world.state(x)), action)))
    spread = np.std(foretold, axis=0) / [1, 1, 8]
    np.testing.assert_allclose(
        simulator.transition(x, action).disagreement, np.sqrt((spread**2).mean(-1)), rtol=1e-9, atol=1e-15
    )


def test_worlds_that_are_the_same_do_not_disagree() -> None:
    *_, doubts = followed(world_model=[PAIR[0], PAIR[0]])
    assert max(doubts) < 1e-15  # p = I v and back may round


def test_disagreement_costs_its_price() -> None:
    _, rewards, _, doubts = followed(world_model=PAIR)
    _, priced, _, _ = followed(world_model=PAIR, disagreement_price=100.0)
    np.testing.assert_allclose(priced, np.array(rewards) - 100 * np.array(doubts), rtol=1e-9)


def test_the_episode_ends_where_the_members_disagree_too_much() -> None:
    *_, doubts = followed(world_model=PAIR)
    first = int(np.argmax(np.array(doubts) > np.median(doubts)))
    _, _, ends, _ = followed(world_model=PAIR, disagreement_limit=float(np.median(doubts)))
    assert ends == [False] * first + [True]


@pytest.mark.parametrize("device", [None, "cpu"])
def test_vector_and_single_environments_doubt_alike(device: str | None) -> None:
    *_, doubts = followed(world_model=PAIR)
    envs = gymnasium.make_vec(
        "HNN-v0", num_envs=2, vectorization_mode="vector_entry_point", world_model=PAIR, device=device
    )
    envs.reset(seed=[0, 1])
    told = [np.asarray(envs.step(np.stack([action, action]))[4]["disagreement"])[0] for action in ACTIONS]
    np.testing.assert_allclose(told, doubts, rtol=1e-6, atol=1e-12)  # a difference of numbers that nearly agree
    assert hnn_gym.make_sb3_vec("HNN-v0", 2, world_model=PAIR).num_envs == 2


@pytest.mark.parametrize(
    "options",
    [
        {"world_model": []},
        {"world_model": PAIR[0], "disagreement_price": 1.0},
        {"world_model": PAIR, "disagreement_price": -1.0},
        {"world_model": PAIR, "disagreement_limit": 0.0},
        {"world_model": ["HNNPendulum-v0", "HNNSpring-v0"]},
        {"world_model": ["Spring-v0", "Spring-v0"]},
    ],
)
def test_what_is_no_ensemble_is_refused(options: dict[str, object]) -> None:
    with pytest.raises(InputError):
        gymnasium.make("HNN-v0", **options)
