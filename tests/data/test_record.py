"""The recorder writes the steps, changes nothing else, and refuses what it cannot record exactly."""

import gymnasium
import numpy as np
import pytest
from gymnasium.spaces import Box

from hnn_gym.data import MemoryWriter, RecordTransitions, TransitionDataset
from hnn_gym.errors import InputError

STILL = np.zeros(1, np.float32)


def test_a_pendulum_is_recorded_as_it_moves(tmp_path):
    kwargs = {"max_episode_steps": 30, "render_mode": "rgb_array"}
    plain = gymnasium.make("Pendulum-v1", **kwargs)
    recorded = RecordTransitions(
        gymnasium.make("Pendulum-v1", **kwargs),
        tmp_path / "data.zarr",
        record_state=True,
        record_frames=True,
        energy=lambda env: env.state[1] ** 2 / 6 + 5 * np.cos(env.state[0]),
    )
    plain.unwrapped.screen_dim = recorded.unwrapped.screen_dim = 32
    rng = np.random.default_rng(0)
    observation, _ = plain.reset(seed=5)
    got, _ = recorded.reset(seed=5)
    np.testing.assert_array_equal(got, observation)
    expected = [(observation, plain.unwrapped.state, plain.render())]
    actions, rewards, done = [], [], False
    while not done:
        actions.append(rng.uniform(-2, 2, 1).astype(np.float32))
        observation, reward, terminated, done, _ = plain.step(actions[-1])
        got = recorded.step(actions[-1])
        np.testing.assert_array_equal(got[0], observation)
        assert got[1:4] == (reward, terminated, done)
        expected.append((observation, plain.unwrapped.state, plain.render()))
        rewards.append(reward)
    # Written when it was truncated, before anything is closed.
    episode = TransitionDataset.open(tmp_path / "data.zarr").episode(0)
    plain.close()
    recorded.close()

    observations, states, frames = (np.array(column) for column in zip(*expected, strict=True))
    np.testing.assert_array_equal(episode.observation, observations)
    np.testing.assert_array_equal(episode.state, states)
    np.testing.assert_array_equal(episode.frame, frames)
    np.testing.assert_array_equal(episode.action, actions)
    np.testing.assert_array_equal(episode.reward, rewards)
    np.testing.assert_array_equal(episode.energy, states[:, 1] ** 2 / 6 + 5 * np.cos(states[:, 0]))
    np.testing.assert_array_equal(episode.time, 0.05 * np.arange(31))
    assert (episode.observation.dtype, episode.state.dtype) == (np.float32, np.float64)
    assert episode.frame.shape == (31, 32, 32, 3)
    assert not episode.terminated.any()
    assert episode.truncated.tolist() == [False] * 29 + [True]


def recorder(env, **options):
    memory = MemoryWriter()
    return RecordTransitions(env, memory, **options), memory


def test_a_buffer_that_the_environment_uses_again_is_copied(counter):
    env, memory = recorder(counter())
    env.reset(seed=7)
    for _ in range(5):
        env.step(STILL)
    np.testing.assert_array_equal(memory.dataset().episode(0).observation, [[t, 7] for t in range(6)])
    assert memory.dataset().episode(0).terminated.tolist() == [False] * 4 + [True]
    assert memory.dataset().fields == ("observation", "action", "reward", "terminated", "truncated", "time")


def test_an_unfinished_episode_is_kept_with_its_flags_on_reset_and_on_close(counter):
    env, memory = recorder(counter())
    env.reset()
    env.reset()  # an episode without a step is not recorded
    env.step(STILL)
    env.step(STILL)
    env.reset()
    env.step(STILL)
    env.close()
    env.close()
    assert [episode.num_steps for episode in memory.dataset()] == [2, 1]
    assert not memory.dataset().transitions().truncated.any()


def test_the_environment_gets_the_action_that_is_recorded(counter):
    inner = counter()
    env, memory = recorder(inner)
    env.reset()
    env.step([0.1])
    env.close()
    assert inner.actions[0].dtype == np.float32
    np.testing.assert_array_equal(memory.dataset().episode(0).action[0], inner.actions[0])


def test_an_environment_that_changes_its_argument_does_not_change_the_record(counter):
    class Clips(counter):
        def step(self, action):
            action[:] = 99
            return super().step(action)

    env, memory = recorder(Clips())
    env.reset()
    env.step(np.array([1.5], np.float32))
    env.close()
    assert memory.dataset().episode(0).action[0] == 1.5


@pytest.mark.parametrize(
    ("action", "message"),
    [
        (np.array([np.nan]), r"action at step 1 is not finite: \[nan\]"),
        (np.array([np.inf]), r"action at step 1 is not finite"),
        (np.zeros(2), r"action at step 1 is array\(\[0., 0.\]\).*has to be of shape \(1,\)"),
        (0.5, r"action at step 1 is 0.5.*shape \(1,\)"),
        (["left"], "action at step 1"),
        ([[1], [1, 2]], "action at step 1"),
        (np.array([1j]), "action at step 1"),
    ],
)
def test_a_bad_action_is_refused_before_the_environment_moves(counter, action, message):
    inner = counter()
    env, memory = recorder(inner)
    env.reset()
    env.step(STILL)
    with pytest.raises(InputError, match=message):
        env.step(action)
    assert len(inner.actions) == 1
    env.step(STILL)  # nothing happened, so the episode continues
    env.close()
    np.testing.assert_array_equal(memory.dataset().episode(0).observation[:, 0], [0, 1, 2])


@pytest.mark.parametrize(
    ("observation", "message"),
    [
        (np.array([np.nan, 0], np.float32), "observation at step 3 is not finite"),
        (np.zeros(3, np.float32), r"observation at step 3 is .*shape \(2,\)"),
    ],
)
def test_a_bad_observation_ends_the_episode_with_the_step_before(counter, observation, message):
    class Fails(counter):
        def step(self, action):
            result = super().step(action)
            return (observation, *result[1:]) if len(self.actions) == 3 else result

    env, memory = recorder(Fails())
    env.reset()
    env.step(STILL)
    env.step(STILL)
    with pytest.raises(InputError, match=message):
        env.step(STILL)
    with pytest.raises(InputError, match=r"call reset\(\) before step"):
        env.step(STILL)
    assert [episode.num_steps for episode in memory.dataset()] == [2]


def test_a_simulator_that_raises_leaves_the_steps_before(counter):
    class Breaks(counter):
        def step(self, action):
            result = super().step(action)
            if len(self.actions) == 3:
                raise RuntimeError("solver diverged")
            return result

    env, memory = recorder(Breaks())
    env.reset()
    env.step(STILL)
    env.step(STILL)
    with pytest.raises(RuntimeError, match="solver diverged"):
        env.step(STILL)
    assert [episode.num_steps for episode in memory.dataset()] == [2]


def test_a_step_before_a_reset_or_after_the_end_is_refused(counter):
    env, _ = recorder(counter(limit=1))
    with pytest.raises(InputError, match=r"call reset\(\)"):
        env.step(STILL)
    env.reset()
    env.step(STILL)
    with pytest.raises(InputError, match=r"call reset\(\)"):
        env.step(STILL)


def test_options_that_cannot_be_satisfied_are_refused(counter):
    with pytest.raises(InputError, match="render_mode='rgb_array', and the environment has None"):
        recorder(counter(), record_frames=True)
    with pytest.raises(InputError, match="append and overwrite are about a path"):
        recorder(counter(), overwrite=True)


def test_an_environment_without_state_is_refused_at_the_reset(counter):
    class Stateless(counter):
        state = property(lambda self: None, lambda self, value: None)

        def reset(self, **options):
            return np.zeros(2, np.float32), {}

    env, _ = recorder(Stateless(), record_state=True)
    with pytest.raises(InputError, match="Stateless has no state to record"):
        env.reset()


@pytest.mark.parametrize("reward", [np.nan, np.zeros(2), None])
def test_a_reward_that_is_not_a_number_ends_the_episode_with_the_step_before(counter, reward):
    class Unrewarding(counter):
        def step(self, action):
            observation, usual, *rest = super().step(action)
            return (observation, reward if len(self.actions) == 2 else usual, *rest)

    env, memory = recorder(Unrewarding())
    env.reset()
    env.step(STILL)
    with pytest.raises(InputError, match="reward at step 1 is"):
        env.step(STILL)
    assert [episode.num_steps for episode in memory.dataset()] == [1]


@pytest.mark.parametrize("energy", [np.nan, np.array([1.0, 2.0]), "1 J"])
def test_an_energy_that_is_not_a_number_is_refused(counter, energy):
    env, _ = recorder(counter(), energy=lambda inner: energy)
    with pytest.raises(InputError, match="energy at step 0"):
        env.reset()


def test_a_frame_that_is_not_a_picture_is_refused(counter):
    class Text(counter):
        render_mode = "rgb_array"

        def render(self):
            return "|---o"

    env, _ = recorder(Text(), record_frames=True)
    with pytest.raises(InputError, match="frame that Text draws is <U5 of shape"):
        env.reset()


def test_a_coarser_dtype_than_the_space_is_widened_and_a_finer_one_rounded_to_it(counter):
    class Wide(counter):
        def step(self, action):
            observation, *rest = super().step(action)
            return (observation.astype(np.float64) / 3, *rest)

    env, memory = recorder(Wide())
    env.reset()
    env.step(STILL)
    env.close()
    assert memory.dataset().episode(0).observation[1, 0] == np.float32(1 / 3)
    env, _ = recorder(counter(observation_space=Box(0, 255, (2,), np.uint8)))
    with pytest.raises(InputError, match="of a kind that uint8 holds"):
        env.reset()


def test_a_vector_environment_is_refused(tmp_path):
    envs = gymnasium.make_vec("Pendulum-v1", num_envs=3)
    with pytest.raises(InputError, match="a single environment, and this is a vector of 3"):
        RecordTransitions(envs, tmp_path / "data.zarr")
    envs.close()
    assert not list(tmp_path.iterdir())


def test_appending_and_overwriting_reach_the_store(tmp_path, counter):
    path = tmp_path / "data.zarr"
    for options, expected in [({}, 5), ({"append": True}, 10), ({"overwrite": True}, 5)]:
        with RecordTransitions(counter(), path, **options) as env:
            env.reset()
            for _ in range(5):
                env.step(STILL)
        assert TransitionDataset.open(path).num_steps == expected
