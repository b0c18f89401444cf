"""Values that no computation can use are refused when they are given, by one error that names them."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import pytest
from gymnasium.spaces import Box

import hnn_gym
from hnn_gym import command
from hnn_gym.agents.energy_shaping import EnergyShaping
from hnn_gym.agents.lqr import LinearQuadratic
from hnn_gym.agents.sampling import SamplingPlanner
from hnn_gym.agents.shac_policy import ShacPolicy
from hnn_gym.agents.swing_up import SwingUp
from hnn_gym.collect import CollectSettings, collect
from hnn_gym.coordinates import Control
from hnn_gym.envs.build import build_simulator
from hnn_gym.envs.shipped import resolve_world
from hnn_gym.errors import InputError, StorageError
from hnn_gym.files.storage import checked_path
from hnn_gym.play import PlaySettings, play


def world() -> hnn_gym.WorldModel:
    return resolve_world("HNNPendulum-v0")


def pendulum() -> gymnasium.Env[Any, Any]:
    return gymnasium.make("HNNPendulum-v0")


def policies() -> dict[str, Any]:
    """One of every kind that acts on observations of the pendulum."""
    arrays = {"policy.w0": np.ones((1, 3)), "scale": np.ones(3)}
    spaces = Box(-np.inf, np.inf, (3,), np.float32), Box(-2, 2, (1,), np.float32)
    return {
        "planner": SamplingPlanner(build_simulator("HNNPendulum-v0"), horizon=2, samples=4),
        "energy shaping": EnergyShaping(world(), target=1.0),
        "regulator": LinearQuadratic(world(), position=np.zeros(1)),
        "swing-up": SwingUp(world(), position=np.zeros(1)),
        "shac": ShacPolicy(arrays, *spaces),
    }


@pytest.mark.parametrize("name", policies())
@pytest.mark.parametrize("observation", [[np.nan, 0, 0], [1.0, 0, np.inf], [1.0, 2], "up", [[1j, 0, 0]]])
def test_a_policy_refuses_what_no_environment_shows(name: str, observation: Any) -> None:
    policy = policies()[name]
    assert np.isfinite(policy.predict(np.array([[1.0, 0.0, 0.0]]))[0]).all()
    with pytest.raises(InputError, match="observation"):
        policy.predict(observation)


def test_a_planner_refuses_four_entries_for_three() -> None:
    with pytest.raises(InputError, match="needs observations"):
        policies()["planner"].predict(np.ones((1, 4)))


@pytest.mark.parametrize(
    "make",
    [
        lambda: SamplingPlanner(build_simulator("HNNPendulum-v0"), std=np.inf),
        lambda: SamplingPlanner(build_simulator("HNNPendulum-v0"), horizon="2"),
        lambda: EnergyShaping(world(), target=np.nan),
        lambda: EnergyShaping(world(), target=1.0, limit=np.inf),
        lambda: Control(0, unit="furlong"),
        lambda: Control(0, limit="2"),
        lambda: Control(0, limit=np.nan),
        lambda: Control("0"),
        lambda: Control(0, scale=np.inf),
        lambda: hnn_gym.DegreeOfFreedom(position=0, velocity="1"),
        lambda: hnn_gym.DegreeOfFreedom(position=0, stops=3),
        lambda: hnn_gym.DegreeOfFreedom(position=0, stops=("a", "b", 0.5)),
        lambda: hnn_gym.DegreeOfFreedom(position=0, angle=True, wraps=1.5),
        lambda: hnn_gym.Coordinates("x"),
        lambda: hnn_gym.Coordinates((hnn_gym.DegreeOfFreedom(position=0),), controls=[1, 2]),
        lambda: hnn_gym.FrameRule("8"),
        lambda: hnn_gym.FrameRule(8, crop=None),
        lambda: hnn_gym.FrameRule(8, channels=[]),
        lambda: hnn_gym.ObservationNoise(pendulum(), "much"),
        lambda: hnn_gym.record_steps(pendulum(), steps="x"),
        lambda: hnn_gym.record_steps(pendulum(), steps=3, seed=1.5),
        lambda: hnn_gym.record_steps(pendulum(), steps=3, policy=None),
        lambda: hnn_gym.counterfactual(pendulum(), 3, bumps={0: 1.0}),
        lambda: gymnasium.make("HNNPendulum-v0", actions="bump", bump_limit=True),
        lambda: hnn_gym.FitSettings(learning_rate=np.inf),
        lambda: hnn_gym.FitSettings(horizon="1"),
        lambda: hnn_gym.FitSettings(seed=-1),
        lambda: world().with_dt("0.05"),
        lambda: world().with_dt(True),
        lambda: world().with_dt(1e300),
        lambda: gymnasium.make("HNNPendulum-v0", dt=1e300),
        lambda: checked_path(""),
        lambda: checked_path("a\0b"),
    ],
)
def test_a_number_of_another_kind_is_refused_where_it_is_given(make: Any) -> None:
    with pytest.raises(InputError):
        make()


def recorded_with(name: str, value: Any) -> hnn_gym.TransitionDataset:
    """Two noisy episodes of the pendulum, with one value of one array replaced."""
    data = hnn_gym.record_steps(gymnasium.make("Pendulum-v1"), steps=400, seed=0)
    rng = np.random.default_rng(0)
    arrays = [episode.arrays() for episode in data]
    for columns in arrays:
        columns["observation"] = columns["observation"] + rng.normal(0, 0.1, columns["observation"].shape)
        columns["time"] = columns["time"].astype(np.float64)
    arrays[1][name] = arrays[1][name].copy()
    arrays[1][name][7] = value
    return hnn_gym.TransitionDataset.from_episodes([hnn_gym.data.Episode(**one) for one in arrays], data.provenance)


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("observation", [0.0, 0.0, 1.0], ""),
        ("observation", [6.0, 8.0, 1.0], "cosine and the sine .* 6 and 8"),
        ("observation", [np.nan, 0.0, 1.0], "row 7 of episode 1 is not finite"),
        ("reward", np.nan, "reward in row 7 of episode 1 is not finite"),
        ("time", np.nan, "time in row 7 of episode 1 is not finite"),
    ],
)
@pytest.mark.parametrize("loss", ["prediction", "shooting"])
def test_a_value_of_a_recording_that_no_sensor_shows_is_refused_before_the_fit(
    name: str, value: Any, message: str, loss: Any
) -> None:
    settings = hnn_gym.FitSettings(adam_steps=1, lbfgs_steps=0, least_squares_steps=0, loss=loss)
    data = recorded_with(name, value)
    if not message:  # noise may bring an observation there
        hnn_gym.train_world(data, "mechanical", settings=settings, options={"hidden": (2,)})
        return
    for train in (
        lambda: hnn_gym.train_world(data, "mechanical", settings=settings, options={"hidden": (2,)}),
        lambda: hnn_gym.train_auto(data),
    ):
        with pytest.raises(InputError, match=message):
            train()


@pytest.mark.parametrize("amount", ["x", None, [1, 2], np.nan])
def test_a_bump_of_no_number_of_joules_is_refused(amount: Any) -> None:
    env = gymnasium.make("HNNPendulum-v0").unwrapped
    env.reset(seed=0)
    before = env.state
    with pytest.raises(InputError):
        env.bump(amount)
    np.testing.assert_array_equal(env.state, before)


def test_an_environment_that_fails_is_named_with_its_arguments(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"Pendulum-v1, made with \{'g': 'x'\}, cannot be stepped"):
        collect(CollectSettings(env="Pendulum-v1", steps=3, out=tmp_path / "d.zarr", env_kwargs={"g": "x"}))
    assert list(tmp_path.iterdir()) == []


LONG = "x" * 4300


@pytest.mark.parametrize("name", [LONG, "file/inside"])
def test_a_place_where_nothing_can_be_written_is_named_in_one_sentence(tmp_path: Path, name: str) -> None:
    (tmp_path / "file").write_text("")
    for write in (
        lambda: world().save(tmp_path / name),
        lambda: collect(CollectSettings(env="Pendulum-v1", steps=3, out=tmp_path / name)),
        lambda: play(PlaySettings("HNNPendulum-v0", headless=True, frames=2, out=tmp_path / f"{name}.gif")),
    ):
        with pytest.raises(StorageError, match=r"cannot be (written|read)"):
            write()
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
    for read in (hnn_gym.WorldModel.load, hnn_gym.TransitionDataset.open):
        with pytest.raises(InputError):
            read(tmp_path / name)


def test_the_home_folder_is_expanded_and_an_empty_out_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    world().save("~/world")
    assert (tmp_path / "world" / "world.json").exists()
    seen: list[CollectSettings] = []
    for out in ("~/data.zarr", ""):
        monkeypatch.setattr(sys, "argv", ["collect", "--env", "Pendulum-v1", "--out", out])
        if out:
            command.run(seen.append, CollectSettings, prog="collect")
        else:
            with pytest.raises(SystemExit, match="2"):
                command.run(seen.append, CollectSettings, prog="collect")
    assert [settings.out for settings in seen] == [tmp_path / "data.zarr"]
    assert "--out must name" in capsys.readouterr().err


def test_what_the_operating_system_refuses_is_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def full(settings: CollectSettings) -> None:
        raise OSError(28, os.strerror(28), "/somewhere/file")

    monkeypatch.setattr(sys, "argv", ["collect", "--env", "Pendulum-v1", "--out", "x"])
    with pytest.raises(SystemExit, match="2"):
        command.run(full, CollectSettings, prog="collect")
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 1
    assert "make room" in lines[0]


def test_recording_processes_end_with_the_process_that_started_them(tmp_path: Path) -> None:
    code = (
        "import os, sys, threading, time, multiprocessing\n"
        "from hnn_gym.collect import CollectSettings, collect\n"
        "def kill():\n"
        "    while len(multiprocessing.active_children()) < 2: time.sleep(0.01)\n"
        "    print(*(child.pid for child in multiprocessing.active_children()), flush=True)\n"
        "    time.sleep(0.2)\n"
        "    os._exit(9)\n"
        "if __name__ == '__main__':\n"
        "    threading.Thread(target=kill, daemon=True).start()\n"
        "    endless = {'max_episode_steps': 10**8}\n"  # nothing is sent that could fail
        "    collect(CollectSettings(env='Pendulum-v1', env_kwargs=endless, steps=10**8, out=sys.argv[1], workers=2))\n"
    )
    (tmp_path / "record.py").write_text(code)
    done = subprocess.run(
        [sys.executable, str(tmp_path / "record.py"), str(tmp_path / "d.zarr")],
        capture_output=True,
        text=True,
        timeout=120,
        env=os.environ | {"PYTHONPATH": str(Path(hnn_gym.__file__).parents[1])},
    )
    assert done.returncode == 9
    began = time.monotonic()
    while any(map(_runs, map(int, done.stdout.split()))):
        assert time.monotonic() - began < 5
        time.sleep(0.01)


def test_a_disk_that_is_full_ends_a_recording_of_frames_and_its_processes(tmp_path: Path) -> None:
    code = (
        "import errno, os, sys\n"
        "from hnn_gym import command\n"
        "from hnn_gym.collect import CollectSettings, main\n"
        "from hnn_gym.data import StoreWriter\n"
        "def full(self, episode):\n"
        "    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(self.path))\n"
        "if __name__ == '__main__':\n"
        "    StoreWriter.write = full\n"
        "    command.run(main, CollectSettings, prog='collect')\n"
    )
    (tmp_path / "record.py").write_text(code)
    options = ["--env", "Pendulum-v1", "--pixels", "32", "--steps", "1000000", "--workers", "2"]
    done = subprocess.run(
        [sys.executable, str(tmp_path / "record.py"), "--out", str(tmp_path / "d.zarr"), *options],
        capture_output=True,
        text=True,
        timeout=120,  # it would wait for ever
        env=os.environ | {"PYTHONPATH": str(Path(hnn_gym.__file__).parents[1])},
    )
    assert done.returncode == 2, done.stderr
    (line,) = [line for line in done.stderr.splitlines() if line and not line.startswith("Recording")]
    assert "make room" in line


def _runs(pid: int) -> bool:
    try:
        return "(" in Path(f"/proc/{pid}/stat").read_text() and Path(f"/proc/{pid}/stat").read_text().split()[2] != "Z"
    except OSError:
        return False
