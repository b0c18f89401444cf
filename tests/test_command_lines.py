"""Every command line runs to its end with each of its options, on small settings.

``hnn_gym.train`` has tests of its own (``test_train.py``), with every model and loss.
"""

from __future__ import annotations

import dataclasses
import runpy
import shlex
import sys
from pathlib import Path
from types import ModuleType
from typing import Any, get_args, get_type_hints

import pytest
import torch
from PIL import Image

from hnn_gym import __main__ as quickstart
from hnn_gym import collect, play
from hnn_gym.agents import train as agents
from hnn_gym.agents import transfer_report
from hnn_gym.data import TransitionDataset
from hnn_gym.data.policies import POLICIES

AGENT = "--world HNNPendulum-v0 --out agent --steps 512 --num-envs 16 --episodes 2"
ALGORITHMS = get_args(get_type_hints(agents.TrainAgentSettings)["algo"])
ACTIONS = get_args(get_type_hints(agents.TrainAgentSettings)["actions"])
PENDULUM = "--env Pendulum-v1 --out data --steps 30"

LINES: dict[ModuleType, list[str]] = {
    quickstart: [
        "--out report --transitions 30 --seed 1 --adam-steps 2 --lbfgs-steps 2 --drift-steps 5 --film-steps 2 "
        "--overwrite",
        "--env MountainCar-v0 --out report --transitions 300 --model mechanical --adam-steps 2 --lbfgs-steps 2 "
        "--film-steps 2",
    ],
    collect: [
        *(f"{PENDULUM} --policy {name}" for name in POLICIES),
        f"{PENDULUM} --policy bang-bang --hold 5",
        f"{PENDULUM} --policy sine --periods 4 20",
        f"{PENDULUM} --policy rewards:push",
        f"{PENDULUM} --seed 3 --state --dt 0.1 --observation-noise 0.1 --env-kwargs '{{\"g\": 2.0}}' --overwrite",
        f"{PENDULUM} --append --seed 3",
        f"{PENDULUM} --frames",
        f"{PENDULUM} --pixels 8 --channels grey --crop 0.1 0.9 0.1 0.9 --oversampling 2",
        f"{PENDULUM} --pixels 8 --annotated",
        f"{PENDULUM} --executor processes --workers 1",
    ],
    play: [
        "HNNPendulum-v0 --beside Pendulum-v1 --joules 0.5 --seed 2 --headless --frames 3 --out film.gif",
        "BaselineSpring-v0 --headless --frames 3",
    ],
    agents: [
        *(
            f"{AGENT} --evaluate-on Pendulum-v1 --algo {algo} --seed 1 --threads 1 --device cpu"
            for algo in ALGORITHMS
            if algo != "dqn"
        ),
        f"{AGENT.replace('Pendulum', 'CartPole')} --evaluate-on CartPole-v1 --algo dqn --seed 1",
        *(f"{AGENT} --algo ppo --evaluate-on HNNPendulum-v0 --actions {how}" for how in ACTIONS),
        f"{AGENT} --algo ppo --reward rewards:upright --terminated rewards:fast --overwrite",
    ],
}
FUNCTIONS = """
def upright(observation, force, next_observation):
    return observation[..., 0]

def fast(observation):
    return abs(observation[..., 2]) > 7

def push(observation, rng):
    return rng.uniform(-1, 1, 1)
"""
SETTINGS = {
    quickstart: quickstart.QuickstartSettings,
    collect: collect.CollectSettings,
    play: play.PlaySettings,
    agents: agents.TrainAgentSettings,
}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A working directory with a module of rewards; reports have few pictures."""
    (tmp_path / "rewards.py").write_text(FUNCTIONS)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    monkeypatch.setattr(transfer_report, "_FRAMES", 2)
    monkeypatch.chdir(tmp_path)
    threads = torch.get_num_threads()
    yield tmp_path
    torch.set_num_threads(threads)
    sys.modules.pop("rewards", None)


@pytest.mark.parametrize(
    ("module", "line"),
    [(module, line) for module, lines in LINES.items() for line in lines],
    ids=lambda part: getattr(part, "__name__", part),
)
@pytest.mark.filterwarnings("ignore:.*found in sys.modules")
def test_the_command_runs_to_its_end(
    module: ModuleType, line: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if "--append" in line or ("--overwrite" in line and module is not quickstart):
        _run(module, LINES[module][0], monkeypatch)
    _run(module, line, monkeypatch)
    if module is collect:
        assert TransitionDataset.open("data").num_steps == (60 if "--append" in line else 30)
    elif module is play:
        with Image.open("film.gif" if "film.gif" in line else "play.gif") as film:
            assert film.n_frames == 3  # type: ignore[attr-defined]
    else:
        assert Path("report/report.md" if module is quickstart else "agent/transfer/report.md").is_file()


def _run(module: ModuleType, line: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", [module.__name__, *shlex.split(line)])
    runpy.run_module(module.__name__, run_name="__main__", alter_sys=True)


@pytest.mark.parametrize("module", LINES, ids=lambda module: module.__name__)
def test_no_option_is_left_out(module: ModuleType) -> None:
    used = {word for line in LINES[module] for word in shlex.split(line) if word.startswith("--")}
    options = {"--" + field.name.replace("_", "-") for field in dataclasses.fields(SETTINGS[module])}
    assert options - used <= {"--env", "--address"}  # the first argument of play, and where a Ray cluster is
    assert used <= options
