"""Policies, and the recording as a pure function of the seed."""

import gymnasium
import numpy as np
import pytest

from hnn_gym.data import PolicyChoice, drive, record_steps
from hnn_gym.errors import InputError


@pytest.fixture
def pendulum():
    with gymnasium.make("Pendulum-v1", max_episode_steps=20) as env:
        yield env


def test_exactly_the_requested_number_of_steps_is_recorded(pendulum):
    data = record_steps(pendulum, steps=50, seed=1, record_state=True)
    assert [episode.num_steps for episode in data] == [20, 20, 10]
    assert data.transitions().truncated.nonzero()[0].tolist() == [19, 39]
    assert (data.provenance.seed, data.provenance.policy, data.provenance.dt) == (1, "random", 0.05)
    pendulum.reset()  # it is left open
    pendulum.step(np.zeros(1, np.float32))


def test_the_seed_decides_everything_and_neighbouring_seeds_share_nothing(pendulum):
    first = record_steps(pendulum, steps=60, seed=0)
    pendulum.action_space.seed(99)
    np.random.seed(99)
    assert record_steps(pendulum, steps=60, seed=0).content_hash() == first.content_hash()
    starts = [
        tuple(episode.observation[0]) + tuple(episode.action[0])
        for seed in range(4)
        for episode in record_steps(pendulum, steps=60, seed=seed)
    ]
    assert len(set(starts)) == 12


def test_a_later_episode_can_be_recorded_without_those_before_it(pendulum, counter):
    class Starts(counter):
        def reset(self, *, seed=None, options=None):
            self.seeds = [*getattr(self, "seeds", []), seed]
            return super().reset(seed=seed)

    whole, parts = Starts(), Starts()
    policy = PolicyChoice("random").policy(whole.action_space)
    list(drive(whole, policy, steps=20, seed=4))
    list(drive(parts, policy, steps=10, seed=4))
    list(drive(parts, policy, steps=10, seed=4, first_episode=2))
    assert whole.seeds == parts.seeds
    np.testing.assert_array_equal(whole.actions, parts.actions)


def test_a_users_own_policy_chooses_every_action(pendulum):
    def brake(observation, rng):
        return np.clip(-observation[2:], -2, 2)

    data = record_steps(pendulum, steps=25, policy=brake)
    transitions = data.transitions()
    np.testing.assert_array_equal(transitions.action, np.clip(-transitions.observation[:, 2:], -2, 2))
    assert data.provenance.policy == "brake"


@pytest.mark.parametrize(
    ("options", "message"),
    [({"steps": 0}, "steps must be .* at least 1, got 0"), ({"steps": 1, "seed": -1}, "at least 0, got -1")],
)
def test_a_number_of_steps_or_a_seed_out_of_range_is_refused(pendulum, options, message):
    with pytest.raises(InputError, match=message):
        record_steps(pendulum, **options)
