"""Datasets and their views in memory; datasets on disk use the same code with another source."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hnn_gym.data import Episode, TransitionDataset
from hnn_gym.errors import InputError

lengths_of_episodes = st.lists(st.integers(1, 12), min_size=1, max_size=8)


def test_an_episode_is_returned_as_it_was_recorded(dataset, episodes):
    expected = episodes([3, 1, 4])
    for got, want in zip(dataset([3, 1, 4]), expected, strict=True):
        for name, array in want.arrays().items():
            np.testing.assert_array_equal(got.arrays()[name], array)
            assert got.arrays()[name].dtype == array.dtype


def test_the_sizes_are_those_of_the_episodes(dataset):
    data = dataset([3, 1, 4])
    assert (len(data), data.num_episodes, data.num_steps) == (3, 3, 8)
    assert data.episode(2).num_steps == 4
    assert data.fields[:2] == ("observation", "action")


@given(lengths=lengths_of_episodes, k=st.integers(1, 6), stride=st.integers(1, 5))
@settings(max_examples=60, deadline=None)
def test_windows_are_the_consecutive_steps_of_each_episode_and_of_no_two(dataset, lengths, k, stride):
    expected = [(number, start) for number, steps in enumerate(lengths) for start in range(0, steps - k + 1, stride)]
    if not expected:
        with pytest.raises(InputError, match=f"No episode has the {k} steps"):
            dataset(lengths).windows(k, stride=stride)
        return
    windows = dataset(lengths).windows(k, stride=stride)
    assert windows.observation.shape == (len(expected), k + 1, 2)
    assert windows.action.shape == (len(expected), k, 1)
    for window, (number, start) in enumerate(expected):
        assert (windows.observation[window, :, 0] == number).all()
        np.testing.assert_array_equal(windows.observation[window, :, 1], start + np.arange(k + 1))
        np.testing.assert_array_equal(windows.action[window, :, 0], 1000 * number + start + np.arange(k))


@given(lengths=lengths_of_episodes, data=st.data())
@settings(max_examples=60, deadline=None)
def test_the_first_n_transitions_are_a_prefix_of_all(dataset, lengths, data):
    everything = dataset(lengths)
    steps = data.draw(st.integers(1, everything.num_steps))
    taken = everything.take_steps(steps)
    assert taken.num_steps == steps
    for name, array in vars(taken.transitions()).items():
        np.testing.assert_array_equal(array, getattr(everything.transitions(), name)[:steps])
    assert sum(episode.num_steps for episode in taken) == steps


@given(lengths=st.lists(st.integers(1, 5), min_size=2, max_size=12), share=st.floats(0.01, 0.99))
@settings(max_examples=60, deadline=None)
def test_a_split_puts_every_episode_whole_on_one_side(dataset, lengths, share):
    train, test = dataset(lengths).split(test=share, rng=np.random.default_rng(0))
    sides = [{int(episode.observation[0, 0]) for episode in side} for side in (train, test)]
    assert sides[0] | sides[1] == set(range(len(lengths)))
    assert not sides[0] & sides[1]
    assert sides[0]
    assert sides[1]
    assert train.num_steps + test.num_steps == sum(lengths)


def test_a_split_follows_the_generator_it_is_given(dataset):
    data = dataset([2] * 20)
    first, again, other = (
        data.split(test=0.3, rng=np.random.default_rng(seed))[1].content_hash() for seed in (0, 0, 1)
    )
    assert first == again != other


def test_transitions_lead_to_the_next_row_of_their_own_episode(dataset):
    transitions = dataset([3, 1, 2]).transitions()
    assert len(transitions) == 6
    np.testing.assert_array_equal(transitions.observation[:, 0], transitions.next_observation[:, 0])
    np.testing.assert_array_equal(transitions.observation[:, 1] + 1, transitions.next_observation[:, 1])
    np.testing.assert_array_equal(transitions.observation[:, 1], [0, 1, 2, 0, 0, 1])
    np.testing.assert_array_equal(transitions.truncated, [False, False, True, True, False, True])


def test_views_of_views_still_name_the_right_rows(dataset):
    view = dataset([3, 4, 5, 6]).select([3, 1]).take_steps(8).select([1, 0])
    np.testing.assert_array_equal(view.transitions().observation, [[1, 0], [1, 1], *[[3, t] for t in range(6)]])
    assert view.windows(6).observation[0, 0, 0] == 3
    assert dataset([3]).select([]).transitions().observation.shape == (0, 2)


def test_batches_visit_every_sample_once_in_the_order_of_the_generator(dataset):
    samples = dataset([7, 6]).transitions()
    batches = list(samples.batches(4, np.random.default_rng(0)))
    assert [len(batch) for batch in batches] == [4, 4, 4, 1]
    visited = np.concatenate([batch.action[:, 0] for batch in batches])
    assert not np.array_equal(visited, samples.action[:, 0])
    np.testing.assert_array_equal(np.sort(visited), np.sort(samples.action[:, 0]))
    again = np.concatenate([batch.action[:, 0] for batch in samples.batches(4, np.random.default_rng(0))])
    np.testing.assert_array_equal(visited, again)


def test_batches_of_windows_keep_observations_and_actions_together(dataset):
    for batch in dataset([7, 6]).windows(3).batches(2, np.random.default_rng(0)):
        expected = 1000 * batch.observation[:, :-1, 0] + batch.observation[:, :-1, 1]
        np.testing.assert_array_equal(batch.action[:, :, 0], expected)


@pytest.mark.parametrize("name", ["observation", "action"])
@pytest.mark.parametrize(("row", "value"), [(0, np.nan), (2, np.inf), (4, np.nan)])
def test_a_value_that_is_not_finite_is_named_by_episode_and_row(episodes, provenance, name, row, value):
    recorded = episodes([3, 5, 4])
    getattr(recorded[1], name)[row] = value
    data = TransitionDataset.from_episodes(recorded, provenance)
    for read in (data.transitions, lambda: data.windows(2)):
        with pytest.raises(InputError, match=f"The {name} in row {row} of episode 1 is not finite"):
            read()
    with pytest.raises(InputError, match=f"row {row} of episode 1"):
        data.select([2, 1]).transitions()
    assert len(data.select([0, 2]).transitions()) == 7


def test_the_content_hash_tells_every_array_and_the_cut_into_episodes_apart(dataset, episodes, provenance):
    base = dataset([3, 4]).content_hash()
    seen = {base, dataset([4, 3]).content_hash(), dataset([7]).content_hash()}
    for name in episodes([1])[0].arrays():
        recorded = episodes([3, 4])
        array = recorded[1].arrays()[name]
        array[-1] = ~array[-1] if array.dtype == bool else array[-1] + 1
        seen.add(TransitionDataset.from_episodes(recorded, provenance).content_hash())
    for dtype in (np.float32, np.int32):  # of the same bytes
        zeros = [dataclasses.replace(e, observation=np.zeros_like(e.observation, dtype)) for e in episodes([3, 4])]
        seen.add(TransitionDataset.from_episodes(zeros, provenance).content_hash())
    assert len(seen) == 3 + 9 + 2
    other = dataclasses.replace(provenance, seed=99)
    assert TransitionDataset.from_episodes(episodes([3, 4]), other).content_hash() == base


def test_an_episode_with_a_row_too_few_is_refused(episodes):
    whole = episodes([3])[0]
    with pytest.raises(InputError, match="needs 4 rows of 'observation', and got 3"):
        dataclasses.replace(whole, observation=whole.observation[:-1])
    with pytest.raises(InputError, match="at least one step"):
        dataclasses.replace(whole, action=whole.action[:0])


@pytest.mark.parametrize(
    "change",
    [
        {"state": None},
        {"observation": np.zeros((3, 2), np.float64)},
        {"action": np.zeros((2, 3), np.float32)},
    ],
)
def test_episodes_that_do_not_go_together_are_refused(episodes, provenance, change):
    first, second = episodes([3, 2])
    with pytest.raises(InputError, match=f"Episode 1 has .* of '{next(iter(change))}'"):
        TransitionDataset.from_episodes([first, dataclasses.replace(second, **change)], provenance)


def test_invalid_requests_to_a_dataset_are_refused_with_a_message(dataset, provenance):
    data = dataset([3, 4])
    for call, message in [
        (lambda: data.episode(2), "no episode 2: the dataset holds 0 to 1"),
        (lambda: data.select([0, -1]), "no episode -1"),
        (lambda: data.take_steps(8), "first 8 transitions of 7 do not exist"),
        (lambda: data.take_steps(0), "at least 1, got 0"),
        (lambda: data.windows(0), "k must be a whole number of at least 1, got 0"),
        (lambda: data.windows(1, stride=0), "stride must be a whole number of at least 1, got 0"),
        (lambda: data.windows(5), "longest has 4"),
        (lambda: data.split(test=1.0, rng=np.random.default_rng()), "between 0 and 1"),
        (lambda: data.select([0]).split(rng=np.random.default_rng()), "at least two"),
        (lambda: data.transitions().batches(0, np.random.default_rng()), "batch_size is 0"),
        (lambda: TransitionDataset.from_episodes([], provenance), "at least one episode"),
    ]:
        with pytest.raises(InputError, match=message):
            call()


def test_episodes_of_one_observation_entry_and_no_time_step_are_held(provenance):
    episode = Episode(
        observation=np.zeros((3, 1), np.float32),
        action=np.zeros((2, 1), np.float32),
        reward=np.zeros(2),
        terminated=np.zeros(2, bool),
        truncated=np.zeros(2, bool),
    )
    data = TransitionDataset.from_episodes([episode], provenance)
    assert data.episode(0).time is None
    assert data.fields == ("observation", "action", "reward", "terminated", "truncated")
