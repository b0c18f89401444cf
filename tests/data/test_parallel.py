"""Errors and ends of several processes; ``tests/test_collect.py`` compares their recordings."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import gymnasium
import pytest

from hnn_gym.data import PolicyChoice, RecordTransitions, episodes_in_processes
from hnn_gym.data.parallel import _received
from hnn_gym.errors import InputError


def blind_pendulum(writer):
    """Runs in the process."""
    return RecordTransitions(gymnasium.make("Pendulum-v1"), writer, record_frames=True)


def test_an_error_in_a_process_is_reported():
    episodes = episodes_in_processes(blind_pendulum, policy=PolicyChoice(), steps=9, seed=0, workers=1)
    with pytest.raises(InputError, match="the environment has None"):
        next(episodes)


@pytest.mark.parametrize("error", [EOFError, ConnectionResetError])
def test_a_process_that_is_ended_from_outside_is_said_in_words(error):
    class Pipe:
        def recv(self):
            raise error

    with pytest.raises(InputError, match="ended from outside"):
        _received(Pipe())


@pytest.mark.parametrize(
    ("change", "message"), [({"workers": 0}, "workers is 0"), ({"steps": 0}, "steps must be .* at least 1, got 0")]
)
def test_numbers_out_of_range_are_refused_before_a_process_starts(change, message):
    with pytest.raises(InputError, match=message):
        episodes_in_processes(
            blind_pendulum, **({"policy": PolicyChoice(), "steps": 1, "seed": 0, "workers": 1} | change)
        )


ENDLESS = """
import os, sys
from pathlib import Path

import gymnasium

from hnn_gym.data import PolicyChoice, RecordTransitions, episodes_in_processes

def endless(writer):
    Path(sys.argv[1], str(os.getpid())).touch()
    return RecordTransitions(gymnasium.make("Pendulum-v1", max_episode_steps=10**9), writer)

if __name__ == "__main__":
    next(episodes_in_processes(endless, policy=PolicyChoice("random"), steps=10**9, seed=0, workers=1))
"""


def test_the_processes_of_a_recording_end_with_the_one_that_started_them_and_not_after_their_episode(tmp_path):
    program, begun = tmp_path / "endless.py", tmp_path / "begun"
    program.write_text(ENDLESS)
    begun.mkdir()
    with subprocess.Popen(
        [sys.executable, str(program), str(begun)], stderr=subprocess.PIPE, cwd=Path(__file__).parents[2]
    ) as recording:
        try:
            while not list(begun.iterdir()):
                assert recording.poll() is None
                time.sleep(0.02)
            recording.kill()
            recording.communicate(timeout=10)  # returns when all processes have closed standard error
        except BaseException:
            for process in begun.iterdir():
                os.kill(int(process.name), signal.SIGKILL)
            raise
    assert recording.returncode == -signal.SIGKILL
