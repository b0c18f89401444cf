"""Noisy sensors change the observations, and nothing else."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import gymnasium
import numpy as np
import pytest

from hnn_gym.collect import CollectSettings, collect
from hnn_gym.data import ObservationNoise, record_steps
from hnn_gym.errors import InputError


def test_noise_is_a_share_of_half_the_range_of_every_entry() -> None:
    noisy = ObservationNoise(gymnasium.make("Pendulum-v1"), 0.05)
    clean = gymnasium.make("Pendulum-v1")
    rng = np.random.default_rng(0)
    difference = [noisy.reset(seed=0)[0] - clean.reset(seed=0)[0]]
    for _ in range(2000):
        action = rng.uniform(-2, 2, 1)
        seen, reward, *_ = noisy.step(action)
        exact, same, *_ = clean.step(action)
        assert reward == same
        difference.append(seen - exact)
    np.testing.assert_allclose(np.std(difference, axis=0), [0.05, 0.05, 0.4], rtol=0.08)  # five standard errors


def test_noise_follows_from_the_seed() -> None:
    recordings = [
        record_steps(ObservationNoise(gymnasium.make("Pendulum-v1"), 0.1), steps=30, seed=seed).episode(0).observation
        for seed in (3, 3, 4)
    ]
    np.testing.assert_array_equal(recordings[0], recordings[1])
    assert not np.array_equal(recordings[0], recordings[2])


@pytest.mark.parametrize(
    ("name", "share"), [("Pendulum-v1", -0.1), ("Pendulum-v1", float("nan")), ("hnn_gym:Spring-v0", 0.1)]
)
def test_noise_out_of_range_is_refused(name: str, share: float) -> None:
    with pytest.raises(InputError):
        ObservationNoise(gymnasium.make(name), share)


def test_the_command_records_noisy_observations_and_the_dataset_says_so(tmp_path: Path) -> None:
    settings = CollectSettings(env="Pendulum-v1", out=tmp_path / "noisy", steps=20, observation_noise=0.05)
    noisy = collect(settings)
    clean = collect(replace(settings, out=tmp_path / "clean", observation_noise=0.0))
    assert noisy.provenance.observation_noise == 0.05
    assert clean.provenance.observation_noise == 0.0
    assert "observation_noise" not in clean.provenance.to_json()
    np.testing.assert_array_equal(noisy.episode(0).reward, clean.episode(0).reward)
    assert 0.02 < np.std(noisy.episode(0).observation[:, 0] - clean.episode(0).observation[:, 0]) < 0.1
    with pytest.raises(InputError, match=r"observation_noise 0\.05, and 0\.1"):
        collect(replace(settings, append=True, observation_noise=0.1))
