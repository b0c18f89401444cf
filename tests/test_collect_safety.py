"""A recording that is interrupted loses nothing, and two recordings never mix."""

import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from functools import wraps
from pathlib import Path

import gymnasium
import numpy as np
import pytest
from gymnasium.envs.classic_control import PendulumEnv

from hnn_gym import command
from hnn_gym.collect import CollectSettings, collect, main
from hnn_gym.data import (
    PolicyChoice,
    Provenance,
    RecordTransitions,
    StoreWriter,
    TransitionDataset,
    drive,
    record_steps,
)
from hnn_gym.errors import ExistingPathError, InputError, MissingPathError


@pytest.fixture
def settings(tmp_path):
    return CollectSettings(env="Pendulum-v1", steps=250, out=tmp_path / "data" / "pendulum.zarr")


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
@pytest.mark.parametrize("moment", ["a step", "the first reset", "writing"])
def test_an_interrupted_command_saves_its_steps_and_says_in_one_line_how_to_continue(
    settings, monkeypatch, capsys, number, status, moment
):
    calls = iter(range(10**6))
    place, method, when = {
        "a step": (PendulumEnv, "step", 220),
        "the first reset": (PendulumEnv, "reset", 0),
        "writing": (StoreWriter, "write", 0),
    }[moment]
    original = getattr(place, method)

    @wraps(original)
    def interrupted(self, *arguments, **options):
        if next(calls) == when:
            os.kill(os.getpid(), number)
        return original(self, *arguments, **options)

    monkeypatch.setattr(place, method, interrupted)
    monkeypatch.setattr(sys, "argv", ["x", "--env", "Pendulum-v1", "--out", str(settings.out), "--steps", "500"])
    with pytest.raises(SystemExit) as stopped:
        command.run(main, CollectSettings, prog="collect")
    assert stopped.value.code == status
    line = capsys.readouterr().err.splitlines()[-1]
    recorded = {"a step": [200, 20], "the first reset": [], "writing": [200]}[moment]
    if recorded:
        assert [episode.num_steps for episode in TransitionDataset.open(settings.out)] == recorded
        held = f"{settings.out} holds {sum(recorded)} steps in {len(recorded)} episodes"
        assert line.endswith(f"{held}: --append --steps N records N more.")
    else:
        assert line == "collect: interrupted before the first step, so that nothing was written."
    assert [path.name for path in settings.out.parent.iterdir()] == ["pendulum.zarr"] * bool(recorded)


def test_an_interrupt_of_a_recording_in_several_processes_prints_one_line_and_ends_them_all(settings):
    options = ("--env", "CartPole-v1", "--out", str(settings.out), "--steps", "1000000", "--workers", "2")
    with subprocess.Popen(
        [sys.executable, "-m", "hnn_gym.collect", *options],
        stderr=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[1],
        start_new_session=True,
    ) as recording:
        while not settings.out.exists():
            assert recording.poll() is None
            time.sleep(0.05)
        os.killpg(recording.pid, signal.SIGINT)  # as a terminal does
        _, said = recording.communicate(timeout=20)  # returns when all processes have closed standard error
    assert recording.returncode == 130
    lines = [line for line in said.splitlines() if line and not line.startswith("Recording")]
    assert len(lines) == 1, said
    assert lines[0].endswith("--append --steps N records N more.")
    assert TransitionDataset.open(settings.out).num_steps > 0


def test_an_interrupt_while_an_episode_is_committed_takes_effect_after_the_commit(settings, monkeypatch):
    episode = record_steps(gymnasium.make("Pendulum-v1"), steps=3).episode(0)
    original = StoreWriter._commit

    def interrupted(self, episode):
        os.kill(os.getpid(), signal.SIGINT)
        original(self, episode)

    monkeypatch.setattr(StoreWriter, "_commit", interrupted)
    writer = StoreWriter(settings.out)
    writer.begin(Provenance.of(gymnasium.make("Pendulum-v1")), tuple(episode.arrays()))
    with pytest.raises(KeyboardInterrupt):
        writer.write(episode)
    assert TransitionDataset.open(settings.out).num_steps == 3
    writer.close()


def test_a_second_recording_to_the_same_path_is_refused_and_leaves_the_first_alone(settings):
    writer = StoreWriter(settings.out)
    with RecordTransitions(gymnasium.make("Pendulum-v1"), writer) as first:
        for changes in ({}, {"overwrite": True}):
            with pytest.raises(InputError, match=r"pendulum.zarr is being written by process"):
                collect(replace(settings, **changes))
        first.reset(seed=0)
        first.step(np.zeros(1, np.float32))
    assert TransitionDataset.open(settings.out).num_steps == 1
    assert [path.name for path in settings.out.parent.iterdir()] == ["pendulum.zarr"]


def test_an_appending_recording_waits_for_the_one_before_and_repeats_no_episode(settings):
    collect(settings)
    appended = ("--env", "Pendulum-v1", "--out", str(settings.out), "--steps", "30", "--append")
    with RecordTransitions(gymnasium.make("Pendulum-v1"), settings.out, seed=0, policy="random", append=True) as first:
        waiting = subprocess.Popen(
            [sys.executable, "-m", "hnn_gym.collect", *appended],
            stderr=subprocess.PIPE,
            text=True,
            cwd=Path(__file__).parents[1],
        )
        said = waiting.stderr.readline()
        list(drive(first, PolicyChoice().policy(first.action_space), steps=40, seed=0, first_episode=2))
        assert waiting.poll() is None
    _, rest = waiting.communicate(timeout=60)
    assert waiting.returncode == 0, rest
    assert said.startswith(f"Waiting for process {os.getpid()} on ")
    data = TransitionDataset.open(settings.out)
    assert [episode.num_steps for episode in data] == [200, 50, 40, 30]
    assert len({episode.observation[0].tobytes() for episode in data}) == 4


def test_a_dataset_that_a_killed_overwrite_had_set_aside_is_restored_by_the_next_writer(settings):
    collect(settings)
    aside = settings.out.with_name(f".{settings.out.name}.old")
    settings.out.rename(aside)
    with pytest.raises(
        MissingPathError, match=r"an interrupted --overwrite left it at .*pendulum.zarr.old, where the next"
    ):
        TransitionDataset.open(settings.out)
    with pytest.raises(ExistingPathError):
        collect(settings)
    assert TransitionDataset.open(settings.out).num_steps == 250
    settings.out.rename(aside)
    assert collect(replace(settings, append=True, steps=10)).num_steps == 260
    assert not aside.exists()
