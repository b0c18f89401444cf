"""Ctrl-C and SIGTERM: one line and the usual exit status; deferred while something is written."""

import os
import signal
import sys
import threading
from dataclasses import dataclass

import pytest

from hnn_gym.command import run
from hnn_gym.files.interrupts import Terminated, deferred_interrupts, sigterm_raises

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
