"""The transfer measurements, on tiny settings: the code path, not the figures."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from experiments import transfer
from hnn_gym.agents import sb3
from hnn_gym.agents.shac import ShacSettings
from hnn_gym.studies import Results
from hnn_gym.training import FitSettings, train_world

TINY = transfer.Settings(transitions=40, seeds=(0, 1), agents=("sac", "shac"), tasks=("bump",), starts=(0, 1))


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    few = {"learning_starts": 50, "batch_size": 16, "buffer_size": 500}
    tiny = replace(sb3.RECIPES["sac"], num_envs=4, steps=100, arguments=few)
    monkeypatch.setitem(sb3.RECIPES, "sac", tiny)
    monkeypatch.setattr(transfer, "OTHER_RECIPES", {"bump": ("sac", tiny)})
    monkeypatch.setattr(
        transfer, "train_world", partial(train_world, settings=FitSettings(adam_steps=2, lbfgs_steps=0))
    )
    short = partial(ShacSettings, updates=2, num_envs=4, window=2)
    monkeypatch.setattr(transfer, "ShacSettings", short)


def test_every_agent_of_every_recording_is_measured_and_an_interrupted_run_resumes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = replace(TINY, out=tmp_path / "transfer.json")
    measured: list[str] = []
    original = transfer.pendulum_agent

    def killed(settings: transfer.Settings, agent: str, seed: int) -> dict[str, object]:
        if len(measured) == 2:
            raise KeyboardInterrupt
        measured.append(f"{agent}/{seed}")
        return original(settings, agent, seed)

    monkeypatch.setattr(transfer, "pendulum_agent", killed)
    with pytest.raises(KeyboardInterrupt):
        transfer.measure(settings, console=Console(quiet=True))
    first = Results(settings.out, command="python -m experiments.transfer").below("pendulum/")
    assert list(first) == ["sac/0", "shac/0"]
    monkeypatch.setattr(transfer, "pendulum_agent", original)
    results = transfer.measure(settings, console=Console(quiet=True))
    pendulum, others = results.below("pendulum/"), results.below("other-tasks/")
    assert list(pendulum) == ["sac/0", "sac/1", "shac/0", "shac/1"]
    assert {key: pendulum[key] for key in first} == first
    assert list(others) == ["bump/dream", "bump/nothing", "bump/true"]
    assert all(len(row["returns"]) == 2 for row in [*pendulum.values(), *others.values()])
    best = np.array([-100.0, -1.0])
    expected = [-50.5 - pendulum[f"sac/{seed}"]["mean"] for seed in (0, 1)]
    np.testing.assert_allclose(transfer.regrets(results, "sac", best), expected, atol=0.01)  # kept to two digits
