"""The transfer measurements, on tiny settings: the code path, not the figures."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from hnn_gym.agents import sb3
from hnn_gym.agents.analytic import AnalyticSettings
from hnn_gym.errors import InputError
from hnn_gym.experiments import transfer
from hnn_gym.training import FitSettings, learn

TINY = transfer.Settings(transitions=40, seeds=(0, 1), agents=("sac", "analytic"), tasks=("bump",), starts=2)


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    few = {"learning_starts": 50, "batch_size": 16, "buffer_size": 500}
    tiny = replace(sb3.RECIPES["sac"], num_envs=4, steps=100, arguments=few)
    monkeypatch.setitem(sb3.RECIPES, "sac", tiny)
    monkeypatch.setattr(transfer, "OTHER_RECIPES", {"bump": ("sac", tiny)})
    monkeypatch.setattr(transfer, "learn", partial(learn, settings=FitSettings(adam_steps=2, lbfgs_steps=0)))
    short = partial(AnalyticSettings, updates=2, num_envs=4, window=2)
    monkeypatch.setattr(transfer, "AnalyticSettings", short)


def test_every_agent_of_every_recording_is_measured_and_an_interrupted_run_goes_on(
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
        transfer._main(settings)
    first = json.loads(settings.out.read_text())["pendulum"]
    monkeypatch.setattr(transfer, "pendulum_agent", original)
    transfer._main(settings)
    results = json.loads(settings.out.read_text())
    assert list(results["pendulum"]) == ["sac/0", "analytic/0", "sac/1", "analytic/1"]
    assert {key: results["pendulum"][key] for key in first} == first
    for row in [*results["pendulum"].values(), *results["other_tasks"].values()]:
        assert len(row["returns"]) == 2
    assert list(results["other_tasks"]) == ["bump/nothing", "bump/dream", "bump/true"]
    told = results["summary"]["sac"]
    means = [results["pendulum"][f"sac/{seed}"]["mean"] for seed in (0, 1)]
    assert told["regret_mean"] == pytest.approx(-133.3 - np.mean(means))
    assert told["regret_worst_recording"] == pytest.approx(-133.3 - min(means))
    with pytest.raises(InputError, match="was measured with"):
        transfer._main(replace(settings, starts=3))
