"""A lock on a path: one holder at a time, named, and nothing left behind."""

import platform
import subprocess
import sys
import threading
import time

import pytest

from hnn_gym.errors import InputError
from hnn_gym.files.path_lock import PathLock

HOLDER = """
import sys
from hnn_gym.files.path_lock import PathLock
lock = PathLock(sys.argv[1])
lock.acquire(wait=False)
print("held", flush=True)
sys.stdin.readline()
"""


@pytest.fixture
def other_process(tmp_path):
    """Another process that holds the lock on data.zarr, until a line is written to it or it is killed."""
    command = [sys.executable, "-c", HOLDER, str(tmp_path / "data.zarr")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "held\n"
        yield process
        process.kill()


def test_a_lock_can_be_taken_again_after_it_was_released_and_leaves_no_file(tmp_path):
    lock, other = PathLock(tmp_path / "data.zarr"), PathLock(tmp_path / "data.zarr")
    lock.acquire(wait=False)
    lock.acquire(wait=False)  # held already
    assert (lock.held, other.held) == (True, False)
    lock.release()
    lock.release()
    other.acquire(wait=False)
    assert (lock.held, other.held) == (False, True)
    other.release()
    assert list(tmp_path.iterdir()) == []


def test_a_second_holder_in_the_same_process_is_refused_rather_than_waiting_forever(tmp_path):
    lock, other = PathLock(tmp_path / "data.zarr"), PathLock(tmp_path / "data.zarr")
    lock.acquire(wait=False)
    with pytest.raises(InputError, match=r"data.zarr is being written by process \d+ on .*: close it first"):
        other.acquire(wait=True)
    other.release()  # which does not release what it does not hold
    assert lock.held
    assert [file.name for file in tmp_path.iterdir()] == [".data.zarr.lock"]
    lock.release()


def test_another_process_is_named_and_the_lock_of_a_killed_one_is_free(tmp_path, other_process):
    lock = PathLock(tmp_path / "data.zarr")
    with pytest.raises(InputError, match=f"process {other_process.pid} on .*: wait until it has finished"):
        lock.acquire(wait=False)
    other_process.kill()
    other_process.wait()
    lock.acquire(wait=False)
    lock.release()


def test_waiting_names_the_holder_and_ends_when_it_releases(tmp_path, other_process):
    lock, said = PathLock(tmp_path / "data.zarr"), []

    def report(sentence):
        said.append(sentence)
        other_process.stdin.write("\n")
        other_process.stdin.flush()

    lock.acquire(wait=True, report=report)
    assert lock.held
    holder = f"process {other_process.pid} on {platform.node()}"
    assert said == [f"Waiting for {holder}, which is writing {tmp_path / 'data.zarr'}."]
    lock.release()


def test_threads_that_take_turns_never_hold_the_lock_together(tmp_path):
    """The file is removed at every release, so a waiting thread may hold a removed file: it has to try again."""
    inside, together = [], []

    def take_turns():
        for _ in range(20):
            lock = PathLock(tmp_path / "data.zarr")
            while not lock.held:
                try:
                    lock.acquire(wait=False)
                except InputError:
                    time.sleep(0.0005)
            inside.append(None)
            together.append(len(inside))
            time.sleep(0.0005)
            inside.pop()
            lock.release()

    threads = [threading.Thread(target=take_turns) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert together == [1] * 80
