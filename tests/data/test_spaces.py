"""Discrete actions, and observations of Dict and Tuple spaces, from the environment into a dataset and out of it."""

import gymnasium
import numpy as np
import pytest
from gymnasium import spaces
from gymnasium.spaces import Box, Dict, Discrete, MultiBinary, MultiDiscrete, Tuple

from hnn_gym.data import MemoryWriter, RecordTransitions, TransitionDataset, record_steps
from hnn_gym.data.spaces import ObservationLayout
from hnn_gym.errors import InputError

NESTED = Dict(
    {
        "position": Box(-1, 1, (2,), np.float32),
        "arm": Dict({"tip": Box(-5, 5, (2, 1), np.float64), "angle": Box(-np.pi, np.pi, (), np.float32)}),
        "pair": Tuple((Box(0, 1, (1,), np.float32), Box(0, 9, (1,), np.int32))),
    }
)


@pytest.mark.parametrize("env_id", ["CartPole-v1", "Acrobot-v1", "MountainCar-v0"])
def test_replaying_the_recorded_discrete_actions_gives_the_recorded_observations(tmp_path, env_id):
    with gymnasium.make(env_id) as env:
        recorded = RecordTransitions(env, tmp_path / "data.zarr")
        for seed in range(2):
            recorded.reset(seed=seed)
            for step in range(9):
                recorded.step((step + seed) % env.action_space.n)
        recorded.finish_episode()
    data = TransitionDataset.open(tmp_path / "data.zarr")
    assert data.provenance.action_space == env.action_space
    with gymnasium.make(data.provenance.env_id) as again:
        for seed, episode in enumerate(data):
            assert (episode.action.shape, episode.action.dtype) == ((9,), np.int64)
            again.reset(seed=seed)
            for step, action in enumerate(episode.action):
                observation, *_ = again.step(action)
                np.testing.assert_array_equal(observation, episode.observation[step + 1])


def test_discrete_actions_have_one_entry_in_what_training_reads():
    with gymnasium.make("CartPole-v1") as env:
        data = record_steps(env, steps=60, seed=0)
    recorded = np.concatenate([episode.action for episode in data])
    np.testing.assert_array_equal(data.transitions().action, recorded[:, None])
    windows = data.windows(3)
    assert windows.action.shape == (len(windows), 3, 1)
    np.testing.assert_array_equal(windows.action[0, :, 0], recorded[:3])


@pytest.mark.parametrize("space", [Discrete(4, start=-1), MultiDiscrete([3, 2]), MultiBinary(3), Box(-1, 1, ())])
def test_actions_of_any_space_survive_the_disk_and_the_views(tmp_path, counter, space):
    path = tmp_path / "data.zarr"
    memory = record_steps(counter(action_space=space), steps=12, seed=1)
    for part in (0, 1):
        with RecordTransitions(counter(action_space=space), path, append=part > 0) as env:
            for episode in memory.select([0, 1] if part == 0 else [2]):
                env.reset(seed=int(episode.observation[0, 1]))
                for action in episode.action:
                    assert isinstance(space, Box) or space.contains(action)
                    env.step(action)
    stored = TransitionDataset.open(path)
    assert stored.content_hash() == memory.content_hash()
    assert stored.provenance.action_space == space
    train, test = stored.split(test=0.3, rng=np.random.default_rng(0))
    assert sorted([len(train), len(test)]) == [1, 2]
    assert stored.windows(2).action.shape[:2] == (len(stored.windows(2)), 2)


@pytest.mark.parametrize(
    ("space", "action"),
    [
        (Discrete(3), 3),
        (Discrete(3), -1),
        (Discrete(3), 1.5),
        (Discrete(3), [1]),
        (Discrete(3), None),
        (MultiDiscrete([3, 2]), [0, 2]),
        (MultiBinary(2), [0, 2]),
    ],
)
def test_an_action_outside_a_discrete_space_is_refused_before_the_environment_moves(counter, space, action):
    inner = counter(action_space=space)
    env = RecordTransitions(inner, MemoryWriter())
    env.reset()
    with pytest.raises(InputError, match="action at step 0"):
        env.step(action)
    assert inner.actions == []


class Nested(gymnasium.Env):
    """Shows random parts, and remembers what it showed."""

    observation_space, action_space = NESTED, Discrete(2)

    def __init__(self):
        self.shown = []

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.observation_space.seed(seed)
        return self._show(), {}

    def step(self, action):
        return self._show(), 0.0, False, False, {}

    def _show(self):
        self.shown.append(self.observation_space.sample())
        return self.shown[-1]


def test_nested_observations_are_recorded_as_gymnasium_flattens_them_with_their_names():
    env = Nested()
    data = record_steps(env, steps=5, seed=3)
    expected = [spaces.flatten(NESTED, shown) for shown in env.shown]
    np.testing.assert_array_equal(data.episode(0).observation, expected)
    assert data.provenance.observation_space == spaces.flatten_space(NESTED)
    # Gymnasium sorts the keys of a Dict.
    assert data.provenance.observation_names == (
        "arm/angle",
        "arm/tip/0/0",
        "arm/tip/1/0",
        "pair/0/0",
        "pair/1/0",
        "position/0",
        "position/1",
    )


def test_the_recorder_returns_nested_observations_as_the_environment_does():
    env = RecordTransitions(Nested(), MemoryWriter())
    assert NESTED.contains(env.reset(seed=0)[0])
    assert env.observation_space == NESTED
    assert NESTED.contains(env.step(1)[0])


def test_the_observations_of_a_box_keep_their_shape_and_have_no_names():
    layout = ObservationLayout(Box(0, 255, (4, 5, 3), np.uint8))
    assert layout.names == ()
    assert layout.array(np.zeros((4, 5, 3), np.uint8), step=0).shape == (4, 5, 3)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda shown: {**shown, "position": np.zeros(3, np.float32)}, r"observation 'position' at step 0"),
        (lambda shown: {**shown, "arm": {"angle": np.nan, "tip": shown["arm"]["tip"]}}, "'arm/angle' at step 0 is not"),
        (lambda shown: {"position": shown["position"]}, "at step 0 lacks the part 'arm/angle'"),
        (lambda shown: {**shown, "pair": 3}, "at step 0 lacks the part 'pair/0'"),
    ],
)
def test_a_part_of_an_observation_that_does_not_suit_its_space_is_named(change, message):
    with pytest.raises(InputError, match=message):
        ObservationLayout(NESTED).array(change(NESTED.sample()), step=0)
