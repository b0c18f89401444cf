"""docs/planning.md, from top to bottom, as written but for short fits."""

from __future__ import annotations

import re
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

import hnn_gym
from hnn_gym import training

PAGE = (Path(__file__).parent.parent / "docs" / "planning.md").read_text(encoding="utf-8")


def test_the_programs_of_the_page_run(monkeypatch: pytest.MonkeyPatch) -> None:
    whole, ensemble = hnn_gym.train_world, training.train_ensemble

    def quick(dataset: object, model: str, settings: hnn_gym.FitSettings | None = None) -> hnn_gym.WorldModel:
        short = replace(settings or hnn_gym.FitSettings(), adam_steps=20, lbfgs_steps=20, least_squares_steps=0)
        return whole(dataset, model, settings=short)  # type: ignore[arg-type]

    monkeypatch.setattr(hnn_gym, "train_world", quick)
    fit = hnn_gym.FitSettings(adam_steps=10, lbfgs_steps=10)
    monkeypatch.setattr(training, "train_ensemble", partial(ensemble, settings=fit))
    programs = re.findall(r"```python\n(.*?)```", PAGE, flags=re.DOTALL)
    assert len(programs) == 5
    names: dict[str, object] = {}
    for program in programs:
        exec(program.replace("range(10)", "range(2)"), names)
    assert len(names["returns"]) == 2  # type: ignore[arg-type]
    assert names["rounds"]
