"""The command that records a dataset, as a function and as a process."""

import subprocess
import sys
import types
from dataclasses import replace
from pathlib import Path
from typing import ClassVar

import gymnasium
import numpy as np
import pytest
import tyro

from hnn_gym import command
from hnn_gym.collect import CollectSettings, collect, main
from hnn_gym.coordinates import Coordinates
from hnn_gym.data import FrameRule, TransitionDataset, record_steps
from hnn_gym.errors import ExistingPathError, InputError, MissingPathError
from hnn_gym.systems import coordinates_of


@pytest.fixture
def settings(tmp_path):
    return CollectSettings(env="Pendulum-v1", steps=250, out=tmp_path / "data" / "pendulum.zarr")


def contents(path):
    return {str(file.relative_to(path)): file.read_bytes() for file in path.rglob("*") if file.is_file()}


def test_the_same_seed_gives_the_same_dataset_bit_for_bit(settings, tmp_path):
    paths = [tmp_path / name for name in ("one.zarr", "two.zarr", "three.zarr")]
    one, two, three = (
        collect(replace(settings, out=path, seed=seed, state=True)) for path, seed in zip(paths, (5, 5, 6), strict=True)
    )
    assert contents(paths[0]) == contents(paths[1])
    assert one.content_hash() == two.content_hash() != three.content_hash()


def test_recording_in_two_parts_gives_the_same_files_as_in_one(settings, tmp_path):
    whole, parts = tmp_path / "whole.zarr", tmp_path / "parts.zarr"
    collect(replace(settings, out=whole, steps=600, seed=2))
    collect(replace(settings, out=parts, steps=400, seed=2))
    collect(replace(settings, out=parts, steps=200, append=True))
    assert contents(whole) == contents(parts)


def test_appending_repeats_no_episode_and_records_another_seed(settings):
    collect(settings)
    collect(replace(settings, append=True))
    data = collect(replace(settings, append=True, seed=9, policy="zero"))
    assert [episode.num_steps for episode in data] == [200, 50] * 3
    assert len({episode.observation[0].tobytes() for episode in data}) == 6
    assert data.provenance.seed == 0
    assert [(entry.first_episode, entry.seed, entry.policy) for entry in data.provenance.appended] == [(4, 9, "zero")]
    assert not data.select([4, 5]).transitions().action.any()


def test_the_dataset_holds_the_real_pendulum(settings):
    data = collect(replace(settings, state=True, env_kwargs={"g": 5.0}))
    with gymnasium.make("Pendulum-v1", g=5.0) as env:
        for episode in data:
            env.reset()
            env.unwrapped.state = episode.state[0]
            for step in range(episode.num_steps):
                observation, reward, *_ = env.step(episode.action[step])
                np.testing.assert_array_equal(observation, episode.observation[step + 1])
                assert reward == episode.reward[step]
    assert data.provenance.env_kwargs == {"g": 5.0}
    assert Coordinates.from_json(data.provenance.coordinates) == coordinates_of("Pendulum-v1")


def test_frames_are_recorded_on_request(settings):
    data = collect(replace(settings, steps=3, frames=True))
    assert data.episode(0).frame.shape == (4, 500, 500, 3)
    assert data.episode(0).frame.std() > 0


def test_pixels_are_recorded_under_the_rule_by_any_number_of_workers(settings, tmp_path):
    rule = {"pixels": 16, "channels": "red-green", "crop": (0.2, 0.8, 0.2, 0.8), "oversampling": 2}
    settings = replace(settings, **rule, state=True, steps=47, env_kwargs={"max_episode_steps": 10})
    one = collect(settings)
    collect(replace(settings, out=tmp_path / "two.zarr", workers=2))
    assert contents(settings.out) == contents(tmp_path / "two.zarr")
    assert [frames.shape for frames in one.frames()] == [(11, 16, 16, 1)] * 4 + [(8, 16, 16, 1)]
    assert one.provenance.frame_rule == FrameRule(16, "red-green", (0.2, 0.8, 0.2, 0.8), 2)


@pytest.mark.usefixtures("own_ids")
def test_an_id_may_name_the_module_that_registers_it(settings, tmp_path, monkeypatch):
    (tmp_path / "my_worlds.py").write_text(
        "import gymnasium\n"
        "gymnasium.register('Mine-v0', 'gymnasium.envs.classic_control:PendulumEnv', max_episode_steps=10)\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    data = collect(replace(settings, env="my_worlds:Mine-v0", steps=15, dt=0.1))
    assert [episode.num_steps for episode in data] == [10, 5]
    assert data.provenance.env_id == "my_worlds:Mine-v0"
    assert data.provenance.dt == 0.1
    assert data.episode(0).time[-1] == 1.0


@pytest.fixture
def blind_worlds(monkeypatch, own_ids):
    """A module that registers environments without a render_mode argument, without render modes, and of texts."""

    class Blind(gymnasium.Env):
        def __init__(self):
            self.observation_space = self.action_space = gymnasium.spaces.Box(-1, 1, (1,))

        def reset(self, *, seed=None, options=None):
            super().reset(seed=seed)
            return np.zeros(1, np.float32), {}

        def step(self, action):
            return np.zeros(1, np.float32), 0.0, False, False, {}

    class Drawless(Blind):
        metadata: ClassVar = {"render_modes": []}

        def __init__(self, render_mode=None):
            super().__init__()
            self.render_mode = render_mode

    class Texts(Blind):
        def __init__(self):
            super().__init__()
            self.observation_space = gymnasium.spaces.Text(3)

    def missing():
        raise gymnasium.error.DependencyNotInstalled("run pip install missing")

    def missing_mujoco():
        try:
            raise ModuleNotFoundError("No module named 'mujoco'", name="mujoco")
        except ModuleNotFoundError as error:
            raise gymnasium.error.DependencyNotInstalled("MuJoCo is not installed") from error

    module = types.ModuleType("blind_worlds")
    monkeypatch.setitem(sys.modules, "blind_worlds", module)
    gymnasium.register("Blind-v0", Blind)
    gymnasium.register("Drawless-v0", Drawless)
    gymnasium.register("Texts-v0", Texts)
    gymnasium.register("Missing-v0", missing)
    gymnasium.register("MissingMujoco-v0", missing_mujoco)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"env": "Pendulun-v1"}, "'Pendulun-v1' cannot be made.*Did you mean: `Pendulum`"),
        ({"env": "Pendulum-v9"}, "'Pendulum-v9' cannot be made"),
        ({"env": "no_such_module:Pendulum-v1"}, "No module named 'no_such_module'"),
        ({"env": "somewhere/Pendulum-v1"}, "Namespace somewhere not found.*install the package and name its module"),
        ({"env": "blind_worlds:Missing-v0"}, "needs a package that is not installed: run pip install missing"),
        (
            {"env": "blind_worlds:MissingMujoco-v0"},
            r'needs MuJoCo, which is not installed: pip install "hnn-gym.mujoco."',
        ),
        ({"env": "a:b:c"}, "'a:b:c' cannot be made"),
        ({"env_kwargs": {"gravity": 1}}, "unexpected keyword argument 'gravity'"),
        ({"env": "blind_worlds:Texts-v0"}, r"Box observation space, .*Text"),
        ({"policy": "wise"}, "no policy 'wise'"),
        ({"hold": 0}, "hold, .* at least 1, got 0"),
        ({"steps": 0}, "steps must be a whole number of at least 1, got 0"),
        ({"seed": -1}, "seed must be a whole number of at least 0, got -1"),
        ({"dt": -0.1}, "positive number of seconds"),
        ({"append": True, "overwrite": True}, "not both"),
        ({"frames": True, "pixels": 8}, "give --frames or --pixels, not both"),
        ({"pixels": 0}, "size of a frame must be a whole number of at least 1, got 0"),
        ({"env": "blind_worlds:Blind-v0", "pixels": 8}, "'blind_worlds:Blind-v0' cannot draw frames"),
        ({"env": "blind_worlds:Drawless-v0", "frames": True}, r"cannot draw frames \(its render modes are \[\]\)"),
        ({"pixels": 8, "workers": 0}, "workers is 0"),
    ],
)
@pytest.mark.filterwarnings("ignore::DeprecationWarning:gymnasium", "ignore:.*not in the possible render_modes")
def test_an_environment_that_cannot_be_recorded_is_reported_and_leaves_nothing(
    settings, tmp_path, blind_worlds, changes, message
):
    with pytest.raises(InputError, match=message):
        collect(replace(settings, **changes))
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_an_existing_dataset_survives_everything_that_fails(settings):
    before = collect(settings).content_hash()
    for changes, error in [
        ({}, ExistingPathError),
        ({"overwrite": True, "env": "Pendulun-v1"}, InputError),
        ({"overwrite": True, "steps": 0}, InputError),
        ({"append": True, "state": True}, InputError),
        ({"append": True, "env_kwargs": {"g": 3.0}}, InputError),
        ({"append": True, "out": settings.out.with_name("none.zarr")}, MissingPathError),
    ]:
        with pytest.raises(error):
            collect(replace(settings, **changes))
        assert TransitionDataset.open(settings.out).content_hash() == before
    assert collect(replace(settings, overwrite=True, seed=1)).content_hash() != before
    assert [path.name for path in settings.out.parent.iterdir()] == ["pendulum.zarr"]


def test_an_interrupted_recording_keeps_every_step(settings, monkeypatch):
    calls = iter(range(10**6))
    original = gymnasium.envs.classic_control.PendulumEnv.step

    def interrupted(self, action):
        if next(calls) == 220:
            raise KeyboardInterrupt
        return original(self, action)

    monkeypatch.setattr(gymnasium.envs.classic_control.PendulumEnv, "step", interrupted)
    with pytest.raises(KeyboardInterrupt):
        collect(settings)
    assert [episode.num_steps for episode in TransitionDataset.open(settings.out)] == [200, 20]


def run(*arguments):
    return subprocess.run(
        [sys.executable, "-m", "hnn_gym.collect", *arguments],
        capture_output=True,
        text=True,
        cwd=Path(__file__).parents[1],
        timeout=60,
    )


def test_the_command_line_records_and_reports_it(settings):
    kwargs = ("--env-kwargs", '{"g": 9.81}')
    done = run("--env", "Pendulum-v1", "--steps", "120", "--out", str(settings.out), "--state", *kwargs)
    assert done.returncode == 0, done.stderr
    assert "120 steps in 1 episodes" in done.stdout
    assert "Recording Pendulum-v1" in done.stderr
    data = TransitionDataset.open(settings.out)
    assert data.num_steps == 120
    assert "state" in data.fields
    assert data.provenance.env_kwargs == {"g": 9.81}


@pytest.fixture
def command_line(monkeypatch, capsys):
    """Runs the command in this process; returns what it printed on standard output and on standard error."""

    def run_here(*arguments):
        monkeypatch.setattr(sys, "argv", ["collect", *map(str, arguments)])
        command.run(main, CollectSettings, prog="collect")
        return capsys.readouterr()

    return run_here


@pytest.mark.parametrize(
    ("env_id", "policy", "dt", "state_size"),
    [
        ("CartPole-v1", "random", 0.02, 4),
        ("Acrobot-v1", "random", 0.2, 4),
        ("MountainCar-v0", "bang-bang", 1.0, 2),
        ("MountainCarContinuous-v0", "bang-bang", 1.0, 2),
        ("Pendulum-v1", "sine", 0.05, 2),
        ("Spring-v0", "random", 0.05, 2),
    ],
)
def test_the_command_line_records_every_kind_of_environment(command_line, tmp_path, env_id, policy, dt, state_size):
    path = tmp_path / "data.zarr"
    printed = command_line("--env", env_id, "--out", path, "--steps", 60, "--policy", policy, "--state", "--seed", 1)
    assert printed.out.startswith(f"{path}: 60 steps in ")
    assert ("does not say how long a step is" in printed.err) == (dt == 1.0)
    data = TransitionDataset.open(path)
    assert data.num_steps == 60
    assert (data.provenance.env_id, data.provenance.policy, data.provenance.dt) == (env_id, policy, dt)
    assert data.episode(0).state.shape[1:] == (state_size,)
    with gymnasium.make(env_id) as env:
        assert env.action_space == data.provenance.action_space
        again = record_steps(env, policy=policy, steps=60, seed=1, record_state=True)
    assert again.content_hash() == data.content_hash()


def test_a_users_own_function_records_the_same_in_several_processes(command_line, tmp_path, monkeypatch):
    (tmp_path / "own_policy.py").write_text(
        "def lean(observation, rng):\n    return int(observation[2] + 0.1 * rng.normal() > 0)\n"
    )
    monkeypatch.chdir(tmp_path)
    common = ("--env", "CartPole-v1", "--steps", 150, "--policy", "own_policy:lean", "--env-kwargs")
    limit = '{"max_episode_steps": 20}'
    command_line(*common, limit, "--out", "one.zarr")
    command_line(*common, limit, "--out", "two.zarr", "--workers", 2)
    sys.modules.pop("own_policy")
    assert contents(tmp_path / "one.zarr") == contents(tmp_path / "two.zarr")


def test_a_recording_of_an_environment_without_a_render_mode_argument_works_and_warns_that_nothing_moves(
    command_line, blind_worlds, tmp_path
):
    printed = command_line(
        "--env", "blind_worlds:Blind-v0", "--out", tmp_path / "data.zarr", "--steps", 6, "--policy", "zero"
    )
    warnings = [line for line in printed.err.splitlines() if line.startswith("Warning: ")]
    assert [line.split()[1:4] for line in warnings] == [
        ["Nothing", "moves", "in"],
        ["The", "action", "is"],
        ["blind_worlds:Blind-v0", "does", "not"],
    ]


def test_the_command_line_reports_bad_input_in_one_line(settings):
    failed = run("--env", "Pendulun-v1", "--out", str(settings.out))
    assert failed.returncode == 2
    assert failed.stderr.count("\n") == 1
    assert "Did you mean: `Pendulum`" in failed.stderr


def test_environment_arguments_that_are_not_a_json_object_are_refused(capsys):
    for text, message in [("[1]", "not a JSON object"), ('{"g": ', "Error parsing --env-kwargs")]:
        with pytest.raises(SystemExit, match="2"):
            tyro.cli(CollectSettings, args=["--env", "Pendulum-v1", "--out", "x", "--env-kwargs", text])
        assert message in capsys.readouterr().err
