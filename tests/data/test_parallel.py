"""Errors in several processes; ``tests/test_collect.py`` compares their recordings."""

import gymnasium
import pytest

from hnn_gym.data import RecordTransitions, episodes_in_processes
from hnn_gym.errors import InputError


def blind_pendulum(writer):
    """Runs in the process."""
    return RecordTransitions(gymnasium.make("Pendulum-v1"), writer, record_frames=True)


def test_an_error_in_a_process_is_reported():
    episodes = episodes_in_processes(blind_pendulum, policy="random", steps=9, seed=0, workers=1)
    with pytest.raises(InputError, match="the environment has None"):
        next(episodes)


@pytest.mark.parametrize(
    ("change", "message"), [({"workers": 0}, "workers is 0"), ({"steps": 0}, "steps must be .* at least 1, got 0")]
)
def test_numbers_out_of_range_are_refused_before_a_process_starts(change, message):
    with pytest.raises(InputError, match=message):
        episodes_in_processes(blind_pendulum, **({"policy": "random", "steps": 1, "seed": 0, "workers": 1} | change))
