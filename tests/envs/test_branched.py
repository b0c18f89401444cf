"""Dreams that begin in recorded real states."""

from __future__ import annotations

import gymnasium
import numpy as np
import pytest

from hnn_gym.errors import InputError

STARTS = np.array([[np.cos(0.5), np.sin(0.5), 1.0], [np.cos(2.0), np.sin(2.0), -3.0]])


def test_episodes_begin_at_all_of_the_given_observations() -> None:
    env = gymnasium.make("HNNPendulum-v0", starts=STARTS)
    seen = {tuple(np.round(env.reset(seed=seed)[0], 5)) for seed in range(20)}
    assert seen == {tuple(np.round(start.astype(np.float32), 5)) for start in STARTS}


def test_everything_else_is_the_wrapped_task() -> None:
    branched, known = gymnasium.make("HNNPendulum-v0", starts=STARTS), gymnasium.make("HNNPendulum-v0")
    branched.reset(seed=0)
    known.reset(seed=1, options={"state": branched.unwrapped.state})  # type: ignore[attr-defined]
    for action in np.random.default_rng(0).uniform(-2, 2, (30, 1)).astype(np.float32):
        one, other = branched.step(action), known.step(action)
        np.testing.assert_array_equal(one[0], other[0])
        assert one[1:4] == other[1:4]


def test_a_vector_environment_begins_where_the_single_one_does() -> None:
    envs = gymnasium.make_vec("HNNPendulum-v0", 6, vectorization_mode="vector_entry_point", starts=STARTS)
    single = gymnasium.make("HNNPendulum-v0", starts=STARTS)
    np.testing.assert_array_equal(envs.reset(seed=3)[0], [single.reset(seed=3 + i)[0] for i in range(6)])


@pytest.mark.parametrize("starts", [np.zeros((0, 3)), np.zeros(3), np.zeros((2, 4)), np.full((1, 3), np.nan)])
def test_starts_that_are_not_observations_are_refused(starts: np.ndarray) -> None:
    with pytest.raises(InputError, match="starts"):
        gymnasium.make("HNNPendulum-v0", starts=starts)
