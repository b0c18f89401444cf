"""Every command and every program in the README and the documents runs, on small settings.

The fenced ``bash`` and ``python`` blocks of a page run in their order in one empty folder, as a reader would type them;
the ``python`` blocks share their variables. :data:`SMALLER` adds options to the commands, :data:`SHORTER` replaces
numbers in the programs, and :func:`small` limits the settings of fits and agents. :data:`NOT_RUN` names the commands
that do not run here, each with its reason. Commands that a page names in its text are parsed and not run.
"""

from __future__ import annotations

import re
import runpy
import shlex
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
import torch
import tyro

from hnn_gym import command
from hnn_gym.agents import sb3, transfer_report
from hnn_gym.systems import registry
from hnn_gym.training import FitSettings, PixelSettings, scheme_search, selection

ROOT = Path(__file__).parents[1]
PAGES = sorted([ROOT / "README.md", ROOT / "CHANGELOG.md", *(ROOT / "docs").rglob("*.md")])
PAGES = [page for page in PAGES if "_generated" not in page.parts]  # what the site's build leaves behind

NOT_RUN = {
    r"python3 -m venv .*": "it installs the package; .ci/run runs the first two blocks of the README as they are",
}
"""Commands that do not run here, as regular expressions, and why."""

SMALLER: dict[str, list[str]] = {
    "hnn_gym.collect": ["--steps", "400"],
    "hnn_gym.collect --pixels": ["--steps", "400", "--pixels", "16", "--oversampling", "2", "--workers", "1"],
    "hnn_gym.collect --pixels TwoBody-v0": ["--steps", "200", "--pixels", "40", "--workers", "1"],
    "hnn_gym.convert": [],
    "hnn_gym.train": [],
    "hnn_gym.agents.train": ["--steps", "200", "--num-envs", "4", "--episodes", "2"],
    "hnn_gym.evaluate": ["--steps", "450", "--energy-steps", "20"],
    "hnn_gym.page": ["--overwrite"],
    "hnn_gym.play": ["--headless", "--frames", "4"],
    "experiments.gallery": shlex.split(
        "--frames 3 --sizes.steps 2 --sizes.trajectories 10 --sizes.corrected-starts 1 --sizes.bodies.hidden 3 "
        "--sizes.bodies.states 20 --sizes.bodies.tries 1 --sizes.bodies.first-steps 2 --sizes.bodies.optimiser.steps 1"
    ),
}
"""Options that replace those of a page, by the command and, where it matters, one of its options."""

SHORTER = {
    "range(100)": "range(2)",  # episodes of an evaluation
    "range(10)": "range(2)",
    "_000": "00",  # steps of a trajectory, of a grid or of a training
    "horizons=(10, 40)": "horizons=(20,), steps=5, adam_steps=20, reward_steps=1",
    "num_envs=1024": "num_envs=8",
}
"""Numbers of the programs, and the numbers with which they run here."""

MISSING: dict[str, list[str]] = {
    "hnn_gym.collect": ["--env", "Pendulum-v1", "--out", "data/pendulum.zarr"],
    "hnn_gym.train": ["data/pendulum.zarr", "--out", "runs/pendulum"],
    "hnn_gym.agents.train": ["--world", "runs/pendulum", "--out", "agents/sac"],
}
"""What ``...`` stands for in a command of the text."""


def log_of_an_arm(rows: int = 150) -> str:
    """A log of two joints on springs: stamps that jitter, rows that were dropped, and no velocities."""
    rng = np.random.default_rng(0)
    q, v, now = np.array([0.6, -0.4]), np.zeros(2), 0.0
    lines = ["time,q1,q2,tau1,tau2"]
    for step in range(rows):
        tau = np.array([np.sin(0.11 * step), np.cos(0.07 * step)])
        if step % 40 != 13:
            lines.append(",".join(f"{value:.6f}" for value in (now, *q, *tau)))
        dt = 0.02 * rng.uniform(0.95, 1.05)
        v = v + dt * (tau - np.array([9.0, 4.0]) * np.sin(q) - 0.1 * v)
        q, now = q + dt * v, now + dt
    return "\n".join(lines) + "\n"


FILES = {
    "log.csv": log_of_an_arm(),
    "mymodule.py": """
import gymnasium
import numpy as np


class Mine(gymnasium.Env):
    dt = 0.05
    observation_space = gymnasium.spaces.Box(-np.inf, np.inf, (2,), np.float64)
    action_space = gymnasium.spaces.Box(-1.0, 1.0, (1,), np.float64)

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.state = self.np_random.uniform(-1.0, 1.0, 2)
        return self.state.copy(), {}

    def step(self, action):
        x, v = self.state
        v = v + 0.05 * (float(action[0]) - 3.0 * x - x**3)
        self.state = np.array([x + 0.05 * v, v])
        return self.state.copy(), -(x**2), False, False, {}


gymnasium.register("Mine-v0", Mine, max_episode_steps=100)
""",
}
"""What a reader has already: an environment of their own in a module of their own, and a log of a machine."""

_MOST = {
    FitSettings: {"adam_steps": 15, "lbfgs_steps": 15, "least_squares_steps": 1, "horizon": 40},
    PixelSettings: {"steps": 2, "adam_steps": 5, "harmonics": 8, "warp": 2, "reward_steps": 2},
}


class Block(NamedTuple):
    """A fenced block of a page."""

    language: str
    text: str
    where: str


def blocks(page: Path) -> list[Block]:
    text = page.read_text(encoding="utf-8")
    found = re.finditer(r"^```(bash|python)\n(.*?)^```", text, flags=re.DOTALL | re.MULTILINE)
    return [Block(b[1], b[2], f"{page.relative_to(ROOT)}:{text[: b.start(2)].count(chr(10)) + 1}") for b in found]


def commands(block: Block) -> list[str]:
    lines = block.text.replace("\\\n", " ").splitlines()
    return [line for line in lines if shlex.split(line, comments=True)]


def mentioned(page: Path) -> list[str]:
    """The commands of this repository in the running text of a page."""
    if page.name == "CHANGELOG.md":  # it names commands of earlier releases
        return []
    text = re.sub(r"^```.*?^```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE)
    found = re.findall(r"`(python -m (?:hnn_gym|experiments|benchmarks)[^`]*)`", text)
    return [" ".join(line.split()) for line in found]


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, own_ids: None) -> Iterator[Path]:
    """An empty working directory; fits and agents are limited to a few steps, and what a page registers is removed."""
    for kind, most in _MOST.items():
        monkeypatch.setattr(kind, "__post_init__", _limited(kind.__post_init__, most))
    monkeypatch.setattr(PixelSettings, "__post_init__", _with_one_horizon(PixelSettings.__post_init__))
    for module, name in ((selection, "NETWORK"), (selection, "LONGER"), (scheme_search, "QUICK")):
        monkeypatch.setattr(module, name, replace(getattr(module, name), steps=8))
    tiny = {"batch_size": 16, "buffer_size": 1000, "learning_starts": 100}
    monkeypatch.setitem(
        sb3.RECIPES, "sac", replace(sb3.RECIPES["sac"], num_envs=4, steps=200, hidden=(8,), arguments=tiny)
    )
    monkeypatch.setattr(transfer_report, "_FRAMES", 3)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    for name, text in FILES.items():
        (tmp_path / name).write_text(text)
    modules, threads, systems = set(sys.modules), torch.get_num_threads(), dict(registry._known)
    yield tmp_path
    registry._known.clear()
    registry._known.update(systems)
    torch.set_num_threads(threads)
    for name in set(sys.modules) - modules:
        if Path(getattr(sys.modules[name], "__file__", None) or "/").is_relative_to(tmp_path):
            del sys.modules[name]


def _limited(check: Callable[[Any], None], most: dict[str, int]) -> Callable[[Any], None]:
    def limited(self: Any) -> None:
        check(self)
        for name, limit in most.items():
            object.__setattr__(self, name, min(getattr(self, name), limit))

    return limited


def _with_one_horizon(check: Callable[[Any], None]) -> Callable[[Any], None]:
    def limited(self: Any) -> None:
        check(self)
        object.__setattr__(self, "horizons", self.horizons[:1])

    return limited


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
@pytest.mark.filterwarnings("ignore:.*found in sys.modules")  # a command may have been imported before
@pytest.mark.filterwarnings("ignore:Predicted positions are wrong:UserWarning")  # so few steps of training
def test_every_block_of_the_page_runs(page: Path, small: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    names: dict[str, Any] = {}
    for block in blocks(page):
        if block.language == "python":
            program = block.text
            if "import ray" in program and not all(map(find_spec, ("ray", "tensorboardX"))):  # RLlib is not installed
                continue
            for long, short in SHORTER.items():
                program = program.replace(long, short)
            exec(compile(program, block.where, "exec"), names)
            continue
        for line in commands(block):
            if not any(re.fullmatch(pattern, line) for pattern in NOT_RUN):
                _run(line, monkeypatch)


def _run(line: str, monkeypatch: pytest.MonkeyPatch) -> None:
    python, flag, module, *arguments = shlex.split(line, comments=True)
    assert (python, flag) == ("python", "-m"), f"{line!r} is not a Python command: list it in NOT_RUN, with a reason"
    keys = [
        key for key in SMALLER if key.split()[0] == module and all(option in arguments for option in key.split()[1:])
    ]
    assert keys, f"{line!r} has no small settings: add {module} to SMALLER"
    monkeypatch.setattr(sys, "argv", [module, *arguments, *SMALLER[max(keys, key=len)]])
    runpy.run_module(module, run_name="__main__", alter_sys=True)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
@pytest.mark.filterwarnings("ignore:.*found in sys.modules")
def test_the_commands_in_the_text_of_the_page_are_valid(page: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    parsed: list[Any] = []

    def parse(_: object, settings: type, *, prog: str, default: Any = None) -> None:
        parsed.append(tyro.cli(settings, prog=prog, default=default))

    monkeypatch.setattr(command, "run", parse)
    lines = mentioned(page)
    for line in lines:
        _, _, module, *arguments = shlex.split(line)
        if "..." in arguments:
            at = arguments.index("...")
            arguments[at : at + 1] = MISSING[module]
        monkeypatch.setattr(sys, "argv", [module, *arguments])
        try:
            runpy.run_module(module, run_name="__main__", alter_sys=True)
        except SystemExit:
            pytest.fail(f"{page.name} names a command that does not parse: {line}")
    assert len(parsed) == len(lines)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_the_links_of_the_page_lead_to_files_and_headings(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    for link in re.findall(r"\]\(([^)\s]+)\)", text) + re.findall(r' src(?:set)?="([^"]+)"', text):
        if link.startswith("https:"):
            continue
        name, _, heading = link.partition("#")
        target = page.parent / name if name else page
        assert target.exists(), link
        headings = re.findall(r"^#+ (.*)$", target.read_text(encoding="utf-8"), flags=re.MULTILINE) if heading else []
        assert not heading or heading in [_anchor(text) for text in headings], link


def _anchor(heading: str) -> str:
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def test_the_blocks_of_a_page_are_found_with_their_place() -> None:
    found = [block for page in PAGES for block in blocks(page)]
    assert len(found) >= 20
    first, second = [block for block in blocks(ROOT / "README.md") if block.language == "bash"][:2]
    for block in (first, second):  # those that .ci/run runs, and nothing else is left out
        assert [any(re.fullmatch(pattern, line) for pattern in NOT_RUN) for line in commands(block)] == [True]
    assert (ROOT / "README.md").read_text().splitlines()[int(first.where.split(":")[1]) - 1] == first.text.splitlines()[
        0
    ]


def test_every_reason_to_leave_out_a_command_is_needed() -> None:
    lines = [line for page in PAGES for block in blocks(page) if block.language == "bash" for line in commands(block)]
    for pattern in NOT_RUN:
        assert any(re.fullmatch(pattern, line) for line in lines), pattern
