"""Observations of stacked frames under the rule of the recordings."""

import gymnasium
import numpy as np
import pytest

from hnn_gym import FrameRule, InputError, PixelObservation
from hnn_gym.data import record_steps

RULE = FrameRule(16, channels="red-green", oversampling=2)


def pendulum():
    return gymnasium.make("Pendulum-v1", render_mode="rgb_array")


def test_an_agent_sees_the_frames_that_are_recorded():
    data = record_steps(pendulum(), steps=4, seed=0, record_frames=RULE, record_state=True)
    frames, episode = data.frames()[0], data.episode(0)
    env = PixelObservation.of(pendulum(), data.provenance.frame_rule, stack=3)
    env.reset(seed=0)
    env.unwrapped.state = episode.state[0]
    env._frames.clear()
    seen = [env.observation(None)] + [env.step(action)[0] for action in episode.action]
    assert seen[0].shape == (16, 16, 3)
    padded = np.concatenate([frames[:1], frames[:1], frames])
    for k, stack in enumerate(seen):
        np.testing.assert_array_equal(stack, np.concatenate(padded[k : k + 3], axis=-1))


def test_a_reset_forgets_what_was_seen():
    env = PixelObservation(pendulum(), size=8, stack=2)
    env.reset(seed=0)
    env.step([2.0])
    seen, _ = env.reset(seed=1)
    np.testing.assert_array_equal(seen[..., :3], seen[..., 3:])


def test_observations_are_in_the_space_and_the_spec_makes_the_same_environment():
    env = PixelObservation(pendulum(), size=8, channels="grey", crop=(0.2, 0.8, 0.2, 0.8), stack=2)
    assert env.observation_space.shape == (8, 8, 2)
    seen, _ = env.reset(seed=5)
    assert env.observation_space.contains(seen)
    again = gymnasium.make(env.spec)
    np.testing.assert_array_equal(again.reset(seed=5)[0], seen)
    assert again.rule == env.rule


def test_a_learned_world_is_observed_as_the_real_one():
    rule = FrameRule(32, crop=(0.2, 0.8, 0.2, 0.8))
    learned = PixelObservation.of(gymnasium.make("HNNPendulum-v0", render_mode="rgb_array"), rule)
    real = PixelObservation.of(pendulum(), rule)
    ours, theirs = learned.reset(seed=3)[0].astype(int), real.reset(seed=3)[0].astype(int)
    # Drawn at 500 x 500 and at 214 x 214: the same picture but for edges that round differently.
    assert np.abs(ours - theirs).mean() < 0.15 * np.abs(ours - ours.mean()).mean()


def test_environments_without_usable_pictures_are_refused():
    with pytest.raises(InputError, match="Frames need render_mode='rgb_array', and the environment has None"):
        PixelObservation(gymnasium.make("Pendulum-v1"), size=8)
    with pytest.raises(InputError, match="stack is 0"):
        PixelObservation(pendulum(), size=8, stack=0)
