"""Every experiment computes its cells where the user asks for."""

from __future__ import annotations

import re
from importlib import import_module
from pathlib import Path

import pytest

from hnn_gym.studies import Execution

ROOT = Path(__file__).parents[2] / "experiments"
WITHOUT_CELLS = {
    "experiments.real_pendulum_data",
    "experiments.real_robot.figure",
    "experiments.real_robot.shipped",
    "experiments.tables.command",
}
"""Commands that measure nothing, or make one thing."""


def commands() -> list[str]:
    """The modules of all experiments that parse a command line."""
    found = []
    for path in sorted(ROOT.rglob("*.py")):
        name = ".".join(path.relative_to(ROOT.parent).with_suffix("").parts)
        if re.search(r"^class Settings", path.read_text(), re.MULTILINE) and name not in WITHOUT_CELLS:
            found.append(name)
    return found


def test_commands_are_found() -> None:
    assert {"experiments.bumps", "experiments.gallery.command", "experiments.transfer"} <= set(commands())


@pytest.mark.parametrize("name", commands())
def test_the_experiment_has_the_options_of_executors_and_uses_them(name: str) -> None:
    module = import_module(name)
    assert isinstance(module.Settings().execution, Execution)
    assert "settings.execution.opened()" in Path(str(module.__file__)).read_text()
