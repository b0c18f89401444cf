"""Ctrl-C and SIGTERM: one line and the usual exit status; deferred while something is written."""

import os
import signal
import subprocess
import sys
import threading
from dataclasses import dataclass
from pathlib import Path

import pytest

from hnn_gym.command import run
from hnn_gym.files.interrupts import Terminated, deferred_interrupts, sigterm_raises

ROOT = Path(__file__).parents[2]
CASES = [(signal.SIGINT, KeyboardInterrupt, 130), (signal.SIGTERM, Terminated, 143)]


@dataclass(frozen=True)
class Nothing:
    """No settings."""


@pytest.mark.parametrize(("number", "error", "status"), CASES)
@pytest.mark.parametrize("message", ["", "interrupted. Use --resume."])
def test_a_command_that_is_interrupted_prints_one_line(monkeypatch, capsys, number, error, status, message):
    raised = []

    def work(settings):
        try:
            os.kill(os.getpid(), number)
            signal.pause()
        except KeyboardInterrupt as stopped:
            raised.append(type(stopped))
            raise type(stopped)(message) from None

    before = signal.getsignal(signal.SIGTERM)
    monkeypatch.setattr(sys, "argv", ["x"])
    with pytest.raises(SystemExit) as stopped:
        run(work, Nothing, prog="x")
    assert raised == [error]
    assert stopped.value.code == status
    assert capsys.readouterr().err == f"x: {message or 'interrupted.'}\n"
    assert signal.getsignal(signal.SIGTERM) == before


@pytest.mark.parametrize("module", ["hnn_gym.train", "hnn_gym.collect"])
@pytest.mark.parametrize(("number", "_error", "status"), CASES)
def test_a_command_that_is_interrupted_while_it_imports_its_modules_prints_one_line(
    tmp_path, module, number, _error, status
):
    late = {"hnn_gym.train": "torch", "hnn_gym.collect": "tyro"}[module]  # an import that takes long
    (tmp_path / f"{late}.py").write_text(f"import os, time\nos.kill(os.getpid(), {int(number)})\ntime.sleep(60)\n")
    done = subprocess.run(
        [sys.executable, "-m", module],
        env=os.environ | {"PYTHONPATH": os.pathsep.join([str(tmp_path), str(ROOT)])},
        capture_output=True,
        text=True,
        timeout=50,
    )
    assert (done.returncode, done.stderr) == (status, "interrupted before anything was done.\n")


def test_the_exit_code_is_130_where_python_itself_would_end_by_the_signal(tmp_path):
    # it does so after a KeyboardInterrupt in a text that was executed, such as that of a dataclass
    text = "try:\n    exec('raise KeyboardInterrupt')\nexcept KeyboardInterrupt:\n    raise SystemExit(130)\n"
    (tmp_path / "tyro.py").write_text(text)
    done = subprocess.run(
        [sys.executable, "-m", "hnn_gym.collect"],
        env=os.environ | {"PYTHONPATH": os.pathsep.join([str(tmp_path), str(ROOT)])},
        timeout=50,
    )
    assert done.returncode == 130


@pytest.mark.parametrize(("number", "error", "_status"), CASES)
def test_an_interrupt_takes_effect_after_the_deferring_block(number, error, _status):
    done = []

    def work():
        with deferred_interrupts():
            with deferred_interrupts():
                os.kill(os.getpid(), number)
                done.append("inner")
            done.append("outer")
        done.append("after")

    with sigterm_raises(), pytest.raises(error):
        work()
    assert done == ["inner", "outer"]


def test_the_handlers_are_put_back_and_an_error_in_the_block_is_kept():
    before = [signal.getsignal(number) for number, *_ in CASES]
    with pytest.raises(ZeroDivisionError), deferred_interrupts():
        raise ZeroDivisionError
    assert [signal.getsignal(number) for number, *_ in CASES] == before


def test_other_threads_may_use_the_same_blocks():
    done = []

    def work():
        with sigterm_raises(), deferred_interrupts():
            done.append(True)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert done == [True]
