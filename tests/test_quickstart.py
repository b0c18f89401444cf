"""The quickstart, on tiny settings: every file is there, and the numbers are those of the worlds it saved."""

from __future__ import annotations

import json
from pathlib import Path

import gymnasium
import imageio.v3 as imageio
import pytest
from rich.console import Console

from hnn_gym.__main__ import Settings, quickstart
from hnn_gym.errors import ExistingPathError
from hnn_gym.world_model import WorldModel

TINY = {"adam_steps": 40, "lbfgs_steps": 30, "drift_steps": 200, "frames": 6}


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("quickstart") / "report"
    quickstart(Settings(out=out, **TINY), Console(quiet=True))  # type: ignore[arg-type]
    return out


def test_the_report_holds_figures_film_numbers_and_worlds(report: Path) -> None:
    assert {p.name for p in report.iterdir()} == {
        "phase_portrait.png",
        "energy.png",
        "side_by_side.gif",
        "results.json",
        "hnn",
        "baseline",
    }
    assert imageio.imread(report / "side_by_side.gif").shape[2] == 3 * 180
    for figure in ("phase_portrait.png", "energy.png"):
        assert imageio.imread(report / figure).std() > 10  # something is drawn


def test_the_real_map_predicts_itself_and_learned_worlds_do_so_less_well(report: Path) -> None:
    rows = json.loads((report / "results.json").read_text())["rows"]
    assert rows["real"]["one_step_rms"] < 1e-7  # float32 observations
    assert all(rows["real"]["one_step_rms"] < rows[name]["one_step_rms"] < 0.05 for name in ("HNN", "baseline"))
    assert rows["baseline"]["inertia"] is None
    assert rows["real"]["inertia"] == pytest.approx(1 / 3)


def test_the_saved_worlds_can_be_stepped(report: Path) -> None:
    assert WorldModel.load(report / "hnn").has_energy
    env = gymnasium.make("HNN-v0", world_model=report / "hnn")
    env.reset(seed=0)
    env.step(env.action_space.sample())


def test_a_folder_that_is_not_a_report_is_refused_before_any_work(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    with pytest.raises(ExistingPathError, match="mine"):
        quickstart(Settings(out=tmp_path / "mine"), Console(quiet=True))
