"""Command lines report invalid settings in one message without a traceback, whichever part refuses them."""

from __future__ import annotations

import dataclasses
import os
import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

from hnn_gym import play, train
from hnn_gym.agents import train as agents_train
from hnn_gym.command import figure_text, run

COMMANDS = {
    train: (train._main, train.TrainSettings),
    agents_train: (agents_train._main, agents_train.TrainAgentSettings),
    play: (play.play, play.PlaySettings),
}
AGENT = ["--world", "HNNPendulum-v0", "--out", "x"]


@pytest.mark.parametrize(
    ("module", "arguments", "words"),
    [
        (train, ["x.zarr", "--out", "x", "--horizon", "0"], "horizon must be a whole number of at least 1, got 0"),
        (
            train,
            ["x.zarr", "--out", "x", "--adam-steps", "-1"],
            "adam_steps must be a whole number of at least 0, got -1",
        ),
        (train, ["x.zarr", "--out", "x", "--threads", "0"], "--threads must be a whole number of at least 1, got 0"),
        (train, ["x.zarr", "--out", "x", "--steps", "0"], "--steps must be at least 1, got 0"),
        (agents_train, [*AGENT, "--steps", "0"], "--steps must be at least 1, got 0"),
        (agents_train, [*AGENT, "--num-envs", "0"], "--num-envs must be at least 1, got 0"),
        (agents_train, [*AGENT, "--episodes", "0"], "--episodes must be at least 1, got 0"),
        (agents_train, [*AGENT, "--threads", "0"], "--threads must be a whole number of at least 1, got 0"),
        (agents_train, [*AGENT, "--seed", "-1"], "--seed must be at least 0, got -1"),
        (play, ["HNNPendulum-v0", "--headless", "--frames", "0"], "--frames must be at least 1, got 0"),
        (play, ["HNNPendulum-v0", "--headless", "--seed", "-1"], "--seed must be at least 0, got -1"),
        (play, ["HNNPendulum-v0", "--headless", "--joules", "nan"], "--joules must be a finite number, got nan"),
        (play, ["HNNPendulum-v0", "--headless", "--out", "x.mp4"], r"writes a GIF, and x\.mp4 does not end in"),
        (play, ["no-such-folder/x"], "'no-such-folder/x' cannot be made"),
    ],
)
def test_invalid_settings_are_named_without_a_traceback(
    module: ModuleType,
    arguments: list[str],
    words: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["x", *arguments])
    main, settings = COMMANDS[module]
    with pytest.raises(SystemExit) as stopped:
        run(main, settings, prog="x")
    assert stopped.value.code == 2
    printed = " ".join(capsys.readouterr().err.replace("\u2502", " ").split())  # tyro draws a box around some
    assert re.search(words, printed)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.00012345, "1.234e-04"),
        ([0.05, 0.051, 0.4], "5.000e-02, 5.100e-02, 4.000e-01"),
        (12, "12"),
        ("symplectic Euler", "symplectic Euler"),
        (None, "-"),
        (True, "yes"),
        ({"reward_rms": 0.5, "missed": None}, "reward rms 5.000e-01, missed -"),
    ],
)
def test_every_value_that_a_card_may_hold_is_printed(value: object, text: str) -> None:
    assert figure_text(value) == text


def test_a_command_ends_quietly_where_its_output_is_no_longer_read():
    command = [sys.executable, "-m", "hnn_gym.collect", "--help"]
    buffered = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=buffered) as process:
        process.stdout.close()
        assert process.stderr.read() == ""
    assert process.returncode == 141


@dataclasses.dataclass(frozen=True)
class _Nothing:
    """No setting."""


def test_an_error_of_a_library_that_an_interruption_made_is_an_interruption(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def write(settings: _Nothing) -> None:
        try:
            raise KeyboardInterrupt
        finally:  # as a library that closes a file which it had only begun
            raise ValueError("unknown file extension")

    monkeypatch.setattr(sys, "argv", ["x"])
    with pytest.raises(SystemExit) as stopped:
        run(write, _Nothing, prog="x")
    assert stopped.value.code == 130
    assert capsys.readouterr().err == "x: interrupted.\n"
