"""docs/world-model-rl.md, from top to bottom, as written but for short settings."""

from __future__ import annotations

import re
import runpy
import shlex
import sys
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

import hnn_gym
from hnn_gym import training
from hnn_gym.agents import sb3, transfer_report

PAGE = (Path(__file__).parent.parent / "docs" / "world-model-rl.md").read_text(encoding="utf-8")
FIT = hnn_gym.FitSettings(adam_steps=20, lbfgs_steps=20)
SHORT = {
    "hnn_gym.collect": [],
    "hnn_gym.train": ["--adam-steps", "20", "--lbfgs-steps", "20"],
    "hnn_gym.agents.train": ["--steps", "600", "--num-envs", "4", "--episodes", "2"],
}


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", PAGE, flags=re.DOTALL)


@pytest.mark.filterwarnings("ignore:.*found in sys.modules")  # another test may have imported a command
def test_every_command_and_program_of_the_tutorial_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tiny = {"batch_size": 16, "buffer_size": 1000, "learning_starts": 100}
    short = replace(sb3.RECIPES["sac"], num_envs=4, steps=400, hidden=(8,), arguments=tiny)
    monkeypatch.setitem(sb3.RECIPES, "sac", short)
    quick = partial(hnn_gym.train_world, settings=FIT)
    monkeypatch.setattr(hnn_gym, "train_world", quick)
    monkeypatch.setattr(training, "train_ensemble", partial(training.train_ensemble, settings=FIT))
    monkeypatch.setattr(transfer_report, "_FRAMES", 4)
    monkeypatch.chdir(tmp_path)
    commands = [line for block in blocks("bash") for line in block.splitlines() if line]
    assert len(commands) == 6
    for command in commands:
        python, flag, module, *arguments = shlex.split(command)
        assert (python, flag) == ("python", "-m")
        monkeypatch.setattr(sys, "argv", [module, *arguments, *SHORT[module]])
        runpy.run_module(module, run_name="__main__", alter_sys=True)
    for agent in ("sac", "shac", "spring", "bump"):
        assert (tmp_path / "agents" / agent / "transfer" / "report.md").is_file()
    programs = blocks("python")
    assert len(programs) == 4
    names: dict[str, object] = {}
    for program in programs:
        exec(program.replace("range(100)", "range(2)"), names)
    assert len(names["returns"]) == 2  # type: ignore[arg-type]
