"""The study with RLlib: known starts, and the message where RLlib is not installed."""

from __future__ import annotations

from pathlib import Path

import gymnasium
import numpy as np
import pytest

from experiments import rllib
from hnn_gym.errors import InputError


def test_episodes_begin_at_the_starts_of_the_seeds_in_order() -> None:
    env = rllib.StartsInOrder(gymnasium.make("Pendulum-v1"))
    for seed in (0, 1):
        expected, _ = gymnasium.make("Pendulum-v1").reset(seed=seed)
        np.testing.assert_array_equal(env.reset(seed=77)[0], expected)


def test_the_last_checkpoint_is_the_one_that_is_continued(tmp_path: Path) -> None:
    assert rllib.last_checkpoint(tmp_path) is None
    for name in ("after-000009000", "after-000010000", ".after-000011000"):  # the last one is not complete
        (tmp_path / name).mkdir()
    assert rllib.last_checkpoint(tmp_path) == tmp_path / "after-000010000"


def test_without_rllib_the_message_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rllib, "find_spec", lambda name: None)
    with pytest.raises(InputError, match=r'pip install "ray\[rllib\]"'):
        rllib.main(rllib.Settings(out=None))
