"""A recording larger than what is fitted as a whole: read in minibatches, all of it, and never to the worse."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Literal

import gymnasium
import numpy as np
import pytest

from hnn_gym.data import Episode, StoreWriter, TransitionDataset, Windows, WindowStream, record_steps
from hnn_gym.errors import InputError
from hnn_gym.train import TrainSettings, train
from hnn_gym.training import FitSettings, FitState, one_step_rms, streaming, train_world
from hnn_gym.training import Progress as FitProgress
from hnn_gym.training.auto import train_auto
from hnn_gym.training.streaming import sample_of
from hnn_gym.training.training_folder import TrainingFolder

QUICK = FitSettings(adam_steps=30, lbfgs_steps=15, stream_above=400, batch_size=64, final_steps=0)


SMALL = {"hidden": (8,)}


@pytest.fixture(scope="module")
def recording() -> TransitionDataset:
    """Twenty episodes of 50 steps."""
    return record_steps(gymnasium.make("Pendulum-v1", max_episode_steps=50), steps=1000, seed=0)


def numbered(lengths: list[int], recording: TransitionDataset) -> TransitionDataset:
    """Episodes of these lengths whose actions count the steps of the dataset."""
    episodes, first = [], 0
    for steps in lengths:
        action = np.arange(first, first + steps, dtype=np.float32)[:, None]
        moments = np.concatenate([action, action[-1:] + 1])
        ended = np.zeros(steps, bool)
        episodes.append(Episode(np.repeat(moments, 3, 1), action, np.zeros(steps), ended, ended))
        first += steps
    return TransitionDataset.from_episodes(episodes, recording.provenance)


@pytest.mark.parametrize(("k", "stride"), [(1, 1), (3, 1), (4, 4)])
def test_a_pass_visits_every_window_once_in_a_new_order(k: int, stride: int, recording: TransitionDataset) -> None:
    lengths = [7, 1, 12, 3, 30, 4, 4, 9]
    dataset = numbered(lengths, recording)
    stream = WindowStream(dataset, k, batch_size=5, stride=stride, buffer_steps=16)
    passes = [list(stream.batches(np.random.default_rng(seed))) for seed in (0, 0, 1)]
    expected = dataset.windows(k, stride=stride)
    for batches in passes:
        assert len(batches) == len(stream)
        assert {len(batch) for batch in batches[:-1]} <= {5}
        action = np.concatenate([batch.action for batch in batches])[..., 0]
        np.testing.assert_array_equal(action[np.argsort(action[:, 0])], expected.action[..., 0])
        observation = np.concatenate([batch.observation for batch in batches])
        np.testing.assert_array_equal(observation[:, :-1, 0], action)  # a window keeps its observations
    first = [np.concatenate([batch.action[:, 0, 0] for batch in batches]) for batches in passes]
    np.testing.assert_array_equal(first[0], first[1])
    assert not np.array_equal(first[0], first[2])
    assert not np.array_equal(first[0], np.sort(first[0]))


def test_steps_of_unequal_length_keep_their_durations(recording: TransitionDataset) -> None:
    def stamped(steps: int, dt: float) -> Episode:
        plain = recording.episode(0).first(steps)
        return replace(plain, time=dt * np.arange(steps + 1))

    episodes = [stamped(8, 0.05), stamped(8, 0.07)]  # the first ones take the time step of the dataset
    dataset = TransitionDataset.from_episodes(episodes, recording.provenance)
    batches: list[Windows] = list(WindowStream(dataset, 2, batch_size=100).batches(np.random.default_rng(0)))
    durations = np.concatenate([np.asarray(batch.duration) for batch in batches])
    np.testing.assert_allclose(np.sort(durations[:, 0]), [0.05] * 7 + [0.07] * 7)


def test_numbers_below_one_are_refused(recording: TransitionDataset) -> None:
    with pytest.raises(InputError, match="batch_size must be a whole number of at least 1"):
        WindowStream(recording, 1, batch_size=0)


def test_a_large_recording_is_streamed_and_what_predicts_held_out_episodes_best_is_kept(
    recording: TransitionDataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streaming, "_RATE", 1.0)  # the sample is fitted badly, so that there is something to learn
    rough = replace(QUICK, adam_steps=5, lbfgs_steps=0)
    reports: list[FitProgress] = []
    world = train_world(recording, settings=rough, report=lambda progress, _: reports.append(progress))
    streamed = [progress for progress in reports if progress.stage == "stream"]
    # 20 episodes of 50 windows, less those that are held out
    assert [progress.step for progress in streamed] == list(range(1, len(streamed) + 1))
    assert streamed[-1].total == len(streamed) == world.card["training"]["minibatches"] > 3
    held_out = [progress.held_out for progress in streamed]
    assert held_out[-1] < held_out[0]
    assert world.card["data"]["steps"] == 1000
    sample_alone = train_world(recording, settings=replace(rough, passes=0))
    assert one_step_rms(world, recording) < one_step_rms(sample_alone, recording)


def test_a_pass_that_predicts_worse_is_dropped(recording: TransitionDataset, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streaming, "_RATE", 1e3)
    kept = train_world(recording, settings=QUICK)
    alone = train_world(recording, settings=replace(QUICK, passes=0))
    for name, value in alone.parameters.items():
        np.testing.assert_array_equal(kept.parameters[name], value)


@pytest.mark.parametrize(("stage", "step", "precision"), [("stream", 4, "float64"), ("final", 1, "float32")])
def test_an_interrupted_stream_continues_to_the_same_world(
    stage: str, step: int, precision: Literal["float64", "float32"], recording: TransitionDataset
) -> None:
    settings, states = replace(QUICK, precision=precision, final_steps=2), list[FitState]()

    def stop(progress: FitProgress, state: FitState) -> None:
        states.append(state)
        if (progress.stage, progress.step) == (stage, step):
            raise KeyboardInterrupt

    whole = train_world(recording, settings=settings, options=SMALL)
    with pytest.raises(KeyboardInterrupt):
        train_world(recording, settings=settings, options=SMALL, report=stop)
    assert states[-1].stage == stage
    resumed = train_world(recording, settings=settings, options=SMALL, state=states[-1])
    for name, value in whole.parameters.items():
        np.testing.assert_array_equal(resumed.parameters[name], value)


def test_final_steps_with_the_decay_of_all_transitions_predict_better(recording: TransitionDataset) -> None:
    without, ended = (
        train_world(recording, settings=replace(QUICK, decay=1e-6, final_steps=steps), options=SMALL)
        for steps in (0, 10)
    )
    fresh = record_steps(gymnasium.make("Pendulum-v1"), steps=200, seed=9)
    assert one_step_rms(ended, fresh) < 0.5 * one_step_rms(without, fresh)
    assert streaming.settings_of_all(recording, QUICK).decay == pytest.approx(0.4 * QUICK.decay)


def test_minibatches_in_float32_learn_as_well(recording: TransitionDataset, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streaming, "_RATE", 1.0)
    rough = replace(QUICK, adam_steps=5, lbfgs_steps=0)
    double, single = (
        train_world(recording, settings=replace(rough, precision=precision), options=SMALL)
        for precision in ("float64", "float32")
    )
    assert single.parameters["potential.w0"].dtype == np.float64  # which holds numbers of float32
    assert not np.array_equal(single.parameters["potential.w0"], double.parameters["potential.w0"])
    assert one_step_rms(single, recording) == pytest.approx(one_step_rms(double, recording), rel=0.05)
    with pytest.raises(InputError, match="no precision 'half'"):
        FitSettings(precision="half")  # type: ignore[arg-type]


def test_a_search_for_the_model_uses_a_sample_and_says_so(
    recording: TransitionDataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hnn_gym.training.auto.sample_of", lambda dataset, _: sample_of(dataset, QUICK))
    searched: list[TransitionDataset] = []

    def search(sample: TransitionDataset, *_: object, **__: object) -> None:
        searched.append(sample)
        raise KeyboardInterrupt  # it takes seconds

    monkeypatch.setattr("hnn_gym.training.auto.Evidence.of", search)
    said: list[str] = []
    with pytest.raises(KeyboardInterrupt):
        train_auto(recording, tell=said.append)
    assert searched[0].num_steps == 400
    assert any("fitted on 400 of its 1,000 transitions" in sentence for sentence in said)


def test_the_command_resumes_a_stream(recording: TransitionDataset, tmp_path: Path) -> None:
    writer = StoreWriter(tmp_path / "data")
    writer.begin(recording.provenance, recording.fields)
    writer.write_all(list(recording))
    writer.close()
    settings = TrainSettings(tmp_path / "data", out=tmp_path / "run", model="mechanical", fit=QUICK)
    world = train(settings)
    state = FitState(dict(world.parameters), stage="stream", stream_step=2, kept=dict(world.parameters))
    with TrainingFolder(tmp_path / "state") as folder:
        folder.keep(state, {"a": 1})
        loaded = folder.resume({"a": 1})
    assert loaded is not None
    assert (loaded.stage, loaded.stream_step) == ("stream", 2)
    np.testing.assert_array_equal(loaded.kept["inertia.log"], state.kept["inertia.log"])


def test_a_recording_with_estimated_starts_is_fitted_as_a_whole(recording: TransitionDataset) -> None:
    settings = replace(FitSettings.for_noisy_data(), stream_above=400, adam_steps=2, least_squares_steps=0)
    world = train_world(recording, "mechanical", settings=settings)
    assert world.card["training"]["minibatches"] == 0
