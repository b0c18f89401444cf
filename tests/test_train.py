"""The training command: from a dataset on disk to a checkpoint, interrupted and resumed."""

from __future__ import annotations

import re
import subprocess
import sys
from dataclasses import asdict, replace
from pathlib import Path

import gymnasium
import numpy as np
import pytest
import torch
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

import hnn_gym.train as command
from hnn_gym.collect import CollectSettings, collect
from hnn_gym.data import ObservationNoise, RecordTransitions
from hnn_gym.data.driver import drive
from hnn_gym.data.policies import PolicyChoice
from hnn_gym.errors import ExistingPathError, InputError, MissingPathError
from hnn_gym.models import MODELS
from hnn_gym.training import FitSettings
from hnn_gym.training.settings import LOSSES
from hnn_gym.worlds.world_model import WorldModel


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("data") / "pendulum.zarr"
    env = RecordTransitions(gymnasium.make("Pendulum-v1", max_episode_steps=30), path, seed=0, policy="random")
    for _ in drive(env, PolicyChoice("random").policy(env.action_space), steps=120, seed=0):
        pass
    env.close()
    return path


@pytest.fixture
def settings(dataset: Path, tmp_path: Path) -> command.TrainSettings:
    fit = FitSettings(adam_steps=30, lbfgs_steps=20)
    return command.TrainSettings(dataset, out=tmp_path / "run", model="mechanical", fit=fit)


def test_training_writes_a_checkpoint_that_makes_an_environment(settings: command.TrainSettings) -> None:
    world = command.train(replace(settings, test=0.25))
    loaded = WorldModel.load(settings.out)
    assert loaded.card == world.card
    assert loaded.card["data"]["steps"] == 90
    assert loaded.card["training"]["threads"] == torch.get_num_threads()
    assert loaded.card["figures"]["one_step_rms_on_held_out_episodes"] > 0
    env = gymnasium.make("HNN-v0", world_model=settings.out)
    env.reset(seed=0)
    assert np.isfinite(env.step(np.zeros(1, np.float32))[4]["energy"])


def test_an_unknown_model_is_named_with_all_that_there_are(dataset: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no model 'pendulum': choose from auto, baseline, .*mechanical"):
        command.TrainSettings(dataset, out=tmp_path / "run", model="pendulum")


def test_a_training_that_cannot_begin_leaves_no_folder(settings: command.TrainSettings) -> None:
    with pytest.raises(InputError, match="damping"):
        command.train(replace(settings, model="second-order", damping=True))
    assert not settings.out.exists()


def test_training_writes_one_tensorboard_scalar_a_step(settings: command.TrainSettings) -> None:
    command.train(settings)
    events = EventAccumulator(str(settings.out / "tensorboard"))
    events.Reload()
    losses = [event.value for event in events.Scalars("train/loss")]
    assert len(losses) == 50
    assert losses[-1] < losses[0] / 10


def test_an_interrupted_training_resumes_to_the_same_weights(
    settings: command.TrainSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = replace(settings, fit=replace(settings.fit, lbfgs_steps=0))
    straight = command.train(replace(settings, out=settings.out.with_name("straight")))

    original = command.train_world

    def killed(*args: object, report: object, **kwargs: object) -> WorldModel:
        def until_half(progress: object, state: object) -> None:
            report(progress, state)  # type: ignore[operator]
            if progress.step == 15:  # type: ignore[attr-defined]
                raise KeyboardInterrupt

        return original(*args, report=until_half, **kwargs)  # type: ignore[arg-type]

    monkeypatch.setattr(command, "train_world", killed)
    with pytest.raises(KeyboardInterrupt):
        command.train(settings)
    monkeypatch.setattr(command, "train_world", original)
    with pytest.raises(ExistingPathError, match="--resume"):
        command.train(settings)
    with pytest.raises(InputError, match="other data or settings"):
        command.train(replace(settings, resume=True, model="baseline"))
    resumed = command.train(replace(settings, resume=True))
    for name, value in straight.parameters.items():  # type: ignore[union-attr]
        np.testing.assert_array_equal(resumed.parameters[name], value)  # type: ignore[index]
    assert not (settings.out / "unfinished").exists()


def test_an_existing_checkpoint_is_kept_unless_overwriting_is_asked_for(settings: command.TrainSettings) -> None:
    command.train(settings)
    before = (settings.out / "world.safetensors").read_bytes()
    with pytest.raises(ExistingPathError, match="--overwrite"):
        command.train(replace(settings, fit=replace(settings.fit, seed=1)))
    assert (settings.out / "world.safetensors").read_bytes() == before
    command.train(replace(settings, overwrite=True, fit=replace(settings.fit, seed=1)))
    assert (settings.out / "world.safetensors").read_bytes() != before


@pytest.mark.parametrize(
    ("change", "error", "words"),
    [
        ({"dataset": Path("nowhere.zarr")}, MissingPathError, "nowhere.zarr"),
        ({"model": "hmm"}, InputError, "mechanical"),
        ({"model": "baseline", "damping": True}, InputError, "damping"),
        ({"steps": 10_000}, InputError, "120"),
        ({"resume": True}, MissingPathError, "without --resume"),
        ({"resume": True, "overwrite": True}, InputError, "exclude"),
    ],
)
def test_invalid_trainings_are_refused_by_name_and_leave_no_checkpoint(
    settings: command.TrainSettings, change: dict[str, object], error: type[Exception], words: str
) -> None:
    with pytest.raises(error, match=words):
        command.train(replace(settings, **change))  # type: ignore[arg-type]
    assert not (settings.out / "world.json").exists()


class Unforced(gymnasium.ActionWrapper[np.ndarray, np.ndarray, np.ndarray]):
    """Pendulum-v1 without an action."""

    def __init__(self) -> None:
        super().__init__(gymnasium.make("Pendulum-v1", max_episode_steps=12))
        self.action_space = gymnasium.spaces.Box(-1, 1, (0,))

    def action(self, action: np.ndarray) -> np.ndarray:
        return np.zeros(1, np.float32)


@pytest.fixture(scope="module")
def recordings(dataset: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Recordings by the name of a model; what is not here learns the pendulum."""
    folder = tmp_path_factory.mktemp("data")
    collect(CollectSettings(env="TwoBody-v0", steps=24, out=folder / "bodies.zarr"))
    coordinates = {"degrees": [{"cos": 0, "sin": 1, "velocity": 2}]}
    free = RecordTransitions(Unforced(), folder / "free.zarr", seed=0, dt=0.05, coordinates=coordinates)
    for _ in drive(free, PolicyChoice("random").policy(free.action_space), steps=24, seed=0):
        pass
    free.close()
    return dict.fromkeys(MODELS, dataset) | {"pairwise": folder / "bodies.zarr", "helmholtz": folder / "free.zarr"}


def run_main(monkeypatch: pytest.MonkeyPatch, *arguments: object) -> None:
    monkeypatch.setattr("sys.argv", ["hnn_gym.train", *map(str, arguments)])
    command.main()


FEW = ("--adam-steps", 2, "--lbfgs-steps", 2, "--least-squares-steps", 2)


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("model", MODELS)
def test_every_model_with_every_loss_is_trained_from_the_command_line(
    model: str,
    loss: str,
    recordings: dict[str, Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    out = tmp_path / "run"
    few = (*FEW, "--hidden", 4) if MODELS[model].networks else FEW
    run_main(monkeypatch, recordings[model], "--out", out, "--model", model, "--loss", loss, "--steps", 20, *few)
    printed = capsys.readouterr().out
    assert "one step rms on training data: " in printed
    assert ("sensor noise: " in printed) == (loss == "shooting")
    assert WorldModel.load(out).architecture.kind == model  # type: ignore[union-attr]


@pytest.mark.parametrize("episode_steps", [7, 23, 30])
def test_noisy_recordings_are_trained_with_one_flag_whatever_the_length_of_their_episodes(
    episode_steps: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    data, out = tmp_path / "noisy.zarr", tmp_path / "run"
    env = RecordTransitions(
        ObservationNoise(gymnasium.make("Pendulum-v1", max_episode_steps=episode_steps), 0.05), data, seed=0
    )
    for _ in drive(env, PolicyChoice("random").policy(env.action_space), steps=60, seed=0):
        pass
    env.close()
    few = ("--adam-steps", 3, "--least-squares-steps", 2, "--hidden", 4, "--seed", 1)
    run_main(monkeypatch, data, "--out", out, "--noisy", "--test", 0.3, *few)
    assert "sensor noise: " in capsys.readouterr().out
    used = WorldModel.load(out).card["training"]["settings"]
    expected = replace(FitSettings.for_noisy_data(), adam_steps=3, least_squares_steps=2, seed=1)
    assert used == asdict(expected)


def test_a_model_too_large_for_least_squares_is_refused_before_any_step(settings: command.TrainSettings) -> None:
    many = replace(settings, model="hnn", fit=FitSettings.for_noisy_data())
    with pytest.raises(InputError, match=r"at most 5,000 parameters, and the model has 41,\d+: .*hidden"):
        command.train(many)
    assert not (settings.out / "unfinished").exists()


def test_noisy_excludes_another_loss(
    settings: command.TrainSettings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        run_main(monkeypatch, settings.dataset, "--out", settings.out, "--noisy", "--loss", "prediction")
    assert re.search("--noisy set, needs loss='shooting'.*loss='prediction'", capsys.readouterr().err)
    with pytest.raises(InputError, match=r"for_noisy_data\(\), and the loss is 'prediction'"):
        replace(settings, noisy=True)


def test_the_command_line_reports_bad_input_in_one_line(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "hnn_gym.train", str(tmp_path / "none.zarr"), "--out", str(tmp_path / "x")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert len(done.stderr.strip().splitlines()) == 1
    assert "none.zarr" in done.stderr
