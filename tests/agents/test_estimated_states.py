"""An environment that shows positions alone is wrapped so that it shows estimated states."""

from __future__ import annotations

from dataclasses import replace

import gymnasium
import numpy as np
import pytest
from gymnasium.spaces import Box
from gymnasium.utils.env_checker import check_env
from gymnasium.vector import AutoresetMode, SyncVectorEnv
from gymnasium.wrappers import TransformObservation

from hnn_gym import Coordinates, DegreeOfFreedom
from hnn_gym.agents import EstimatedStates, KalmanFilter, SwingUp, VectorEstimatedStates, episode_returns
from hnn_gym.coordinates import Control
from hnn_gym.coordinates.velocities import with_velocities, without_velocities
from hnn_gym.errors import InputError
from hnn_gym.systems import true_world

PENDULUM = true_world("Pendulum-v1")
NOISE = 1e-3


def encoder_only(max_episode_steps: int | None = None) -> gymnasium.Env:
    """Pendulum-v1 without its velocity."""
    env = gymnasium.make("Pendulum-v1", max_episode_steps=max_episode_steps or 200)
    return TransformObservation(env, lambda observation: observation[:2], Box(-1.0, 1.0, (2,), np.float32))


def true_state(env: gymnasium.Env) -> np.ndarray:
    theta, speed = env.unwrapped.state
    return np.array([np.cos(theta), np.sin(theta), speed])


def test_the_velocity_is_known_after_a_few_steps() -> None:
    env = EstimatedStates(encoder_only(), PENDULUM, NOISE)
    rng = np.random.default_rng(0)
    observation, _ = env.reset(seed=3)
    assert observation[2] == 0
    np.testing.assert_allclose(observation[:2], true_state(env)[:2], atol=1e-6)
    for step in range(60):
        observation = env.step(rng.uniform(-2, 2, 1))[0]
        if step >= 3:
            # Encoders of this precision, 0.05 s apart, know the velocity to some 0.03 rad/s.
            np.testing.assert_allclose(observation, true_state(env), atol=0.1)


@pytest.mark.filterwarnings("ignore::UserWarning")  # the checker advises about wrappers and bounds; faults are errors
def test_it_is_an_environment_like_any_other() -> None:
    check_env(EstimatedStates(encoder_only(), "HNNPendulum-v0", NOISE), skip_render_check=True)


def test_a_policy_of_states_acts_where_velocities_are_not_shown() -> None:
    policy, seeds = SwingUp(PENDULUM, position=np.zeros(1)), range(1000, 1003)
    known = episode_returns(policy, "Pendulum-v1", seeds=seeds)
    estimated = episode_returns(policy, lambda: EstimatedStates(encoder_only(), PENDULUM, NOISE), seeds=seeds)
    assert estimated.mean() > known.mean() - 30  # the first few of 200 steps are taken blindly


def test_copies_of_a_vector_environment_are_filtered_as_single_ones_across_their_resets() -> None:
    copies = VectorEstimatedStates(SyncVectorEnv([lambda: encoder_only(5)] * 2), PENDULUM, NOISE)
    single = EstimatedStates(encoder_only(5), PENDULUM, NOISE)
    rng = np.random.default_rng(0)
    shown, _ = copies.reset(seed=[7, 8])
    alone, _ = single.reset(seed=8)
    assert copies.observation_space.shape == (2, 3)
    for step in range(12):
        np.testing.assert_allclose(shown[1], alone, atol=1e-6)  # float32 observations
        actions = rng.uniform(-2, 2, (2, 1)).astype(np.float32)
        shown = copies.step(actions)[0]
        alone = single.reset()[0] if step % 6 == 5 else single.step(actions[1])[0]


def test_a_vector_environment_that_resets_in_the_same_step_is_refused() -> None:
    env = SyncVectorEnv([encoder_only], autoreset_mode=AutoresetMode.SAME_STEP)
    with pytest.raises(InputError, match="NEXT_STEP"):
        VectorEstimatedStates(env, PENDULUM, NOISE)


def test_a_world_learned_from_positions_has_its_velocities_appended() -> None:
    seen, entries = without_velocities(PENDULUM.coordinates)
    assert entries == (0, 1)
    blind = replace(PENDULUM, coordinates=seen)
    env = EstimatedStates(encoder_only(), blind, NOISE)
    env.reset(seed=0)
    for _ in range(5):
        observation = env.step(np.array([1.0]))[0]
    np.testing.assert_allclose(observation, true_state(env), atol=0.1)


def test_velocities_are_taken_out_and_put_back_with_all_other_entries() -> None:
    coordinates = Coordinates(
        (DegreeOfFreedom(position=1, velocity=0, velocity_scale=0.5), DegreeOfFreedom(cos=2, sin=3, velocity=4)),
        (Control(0),),
    )
    seen, entries = without_velocities(coordinates)
    assert entries == (1, 2, 3)
    assert [degree.entries for degree in seen.degrees] == [(0,), (1, 2)]
    q, v = np.array([[0.3, 0.4]]), np.array([[1.0, 2.0]])
    np.testing.assert_array_equal(seen.observation(q, v), coordinates.observation(q, v)[:, list(entries)])
    np.testing.assert_allclose(with_velocities(seen).observation(q, v)[0, 3:], v[0])
    assert with_velocities(coordinates) == coordinates
    with pytest.raises(InputError, match="by its velocity alone"):
        without_velocities(Coordinates((DegreeOfFreedom(velocity=0),)))


def test_a_filter_needs_the_size_of_velocities_that_it_cannot_know() -> None:
    free = Coordinates((DegreeOfFreedom(cos=0, sin=1),), PENDULUM.coordinates.controls)
    world = replace(PENDULUM, coordinates=free)
    with pytest.raises(InputError, match="velocity_std, 1 numbers"):
        KalmanFilter(world, NOISE)
    belief = KalmanFilter(world, NOISE, velocity_std=[3.0]).start(np.array([[1.0, 0.0]]))
    assert belief.covariance[0, 0, 1, 1] == 9.0
    with pytest.raises(InputError, match="shows 2 entries beside velocities"):
        EstimatedStates(gymnasium.make("Pendulum-v1"), world, NOISE)
