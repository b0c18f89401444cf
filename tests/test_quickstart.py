"""The quickstart, on tiny settings: every file is there, and the numbers are those of the worlds it saved."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from pathlib import Path

import gymnasium
import imageio.v3 as imageio
import numpy as np
import pytest
from rich.console import Console

from hnn_gym.__main__ import quickstart
from hnn_gym.data import record_steps
from hnn_gym.errors import ExistingPathError, InputError
from hnn_gym.quickstart.pendulum import _draw, _film, _measure, _rows
from hnn_gym.quickstart.settings import QuickstartSettings
from hnn_gym.systems import true_world
from hnn_gym.training import one_step_rms
from hnn_gym.worlds.world_model import WorldModel

TINY = QuickstartSettings(adam_steps=40, lbfgs_steps=30, drift_steps=200, film_steps=5)
QUIET = Console(quiet=True)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    out = tmp_path_factory.mktemp("quickstart") / "report"
    console = Console(file=io.StringIO(), width=80)
    quickstart(replace(TINY, out=out), console)
    return out, console.file.getvalue()  # type: ignore[attr-defined]


@pytest.fixture
def report(run: tuple[Path, str]) -> Path:
    return run[0]


def test_the_report_contains_figures_film_text_numbers_and_worlds(report: Path) -> None:
    assert {p.name for p in report.iterdir()} == {
        "phase_portrait.png",
        "energy.png",
        "side_by_side.gif",
        "report.md",
        "results.json",
        "world.html",
        "hnn",
        "baseline",
    }
    assert imageio.imread(report / "side_by_side.gif").shape[::2] == (6, 3 * 180)  # the start and 5 steps
    for figure in ("phase_portrait.png", "energy.png"):
        assert imageio.imread(report / figure).std() > 10  # something is drawn


def test_the_printed_table_fits_80_columns_and_is_the_one_in_the_text(run: tuple[Path, str]) -> None:
    out, printed = run
    rows = [line.strip("│").split("│") for line in printed.splitlines() if line.startswith("│")]
    printed_rows = [f"| {' | '.join(cell.strip() for cell in row)} |" for row in rows]
    assert len(printed_rows) == 9  # none is wrapped
    assert all(row in (out / "report.md").read_text().splitlines() for row in printed_rows)


def test_the_real_map_predicts_itself_better_than_learned_worlds_do(report: Path) -> None:
    rows = json.loads((report / "results.json").read_text())["rows"]
    assert rows["real"]["one_step_rms"] < 1e-7  # float32 observations
    assert max(rows["real"]["error_after_200_steps"]["unforced"]) < 1e-5
    assert all(rows["real"]["one_step_rms"] < rows[name]["one_step_rms"] < 0.05 for name in ("HNN", "baseline"))
    assert len(rows["HNN"]["true_energy_change_J"]) == 20
    assert rows["baseline"]["inertia"] is None
    assert rows["real"]["inertia"] == pytest.approx(1 / 3)


def test_the_saved_worlds_are_the_measured_ones_and_can_be_stepped(report: Path) -> None:
    fresh = record_steps(gymnasium.make("Pendulum-v1"), steps=4000, seed=10_000)
    rows = json.loads((report / "results.json").read_text())["rows"]
    for name in ("HNN", "baseline"):
        world = WorldModel.load(report / name.lower())
        assert one_step_rms(world, fresh) == pytest.approx(rows[name]["one_step_rms"])
    env = gymnasium.make("HNN-v0", world_model=report / "hnn")
    env.reset(seed=0)
    env.step(env.action_space.sample())


def test_all_three_films_begin_with_the_same_picture(report: Path) -> None:
    worlds = {"HNN": WorldModel.load(report / "hnn"), "baseline": WorldModel.load(report / "baseline")}
    films, notes = _film({"real": true_world("Pendulum-v1"), **worlds}, TINY)
    for name in worlds:
        np.testing.assert_array_equal(films[name][0], films["real"][0])
        assert notes[name][0] == notes["real"][0]
        assert (films[name][-1] != films["real"][0]).any()  # and then move


def test_a_baseline_that_blows_up_is_reported_as_such(report: Path, tmp_path: Path) -> None:
    tame = WorldModel.load(report / "baseline")
    assert tame.architecture is not None
    assert tame.parameters is not None
    huge = {name: 1e200 * value for name, value in tame.parameters.items()}
    # Without the speed limit, which would catch it: 1e200 rad/s^2, and so on from there.
    unlimited = replace(tame.coordinates, degrees=(replace(tame.coordinates.degrees[0], speed_limit=None),))
    wild = replace(tame, parameters=huge, dynamics=tame.architecture.build(huge), coordinates=unlimited)
    worlds = {"real": true_world("Pendulum-v1"), "HNN": WorldModel.load(report / "hnn"), "baseline": wild}
    _, notes = _film(worlds, TINY)  # in tests a warning is an error: none may come on the way
    rows = _rows(_measure(worlds, {}, TINY))
    _draw(tmp_path, worlds, record_steps(gymnasium.make("Pendulum-v1"), steps=20, seed=0))
    assert notes["baseline"][-1] == "blew up"
    assert "blew up" not in notes["HNN"]
    assert rows["true-energy change, 200 steps, worst (J)"][2] == "blew up"
    assert rows["200-step error, no torque, median"][2] == "blew up"


def test_a_second_run_replaces_the_report_of_the_first(tmp_path: Path) -> None:
    least = replace(TINY, out=tmp_path / "report", transitions=20, adam_steps=2, lbfgs_steps=2, drift_steps=2)
    for seed in (0, 1):
        quickstart(replace(least, seed=seed), QUIET)
    assert json.loads((tmp_path / "report" / "results.json").read_text())["settings"]["seed"] == 1


def test_a_folder_that_is_not_a_report_is_refused_before_any_work(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    with pytest.raises(ExistingPathError, match="mine"):
        quickstart(QuickstartSettings(out=tmp_path / "mine"), QUIET)


@pytest.mark.parametrize("wrong", [{"adam_steps": -1}, {"drift_steps": -1}, {"film_steps": -1}, {"transitions": 0}])
def test_a_setting_out_of_range_is_refused_before_any_work_and_leaves_nothing(
    wrong: dict[str, int], tmp_path: Path
) -> None:
    with pytest.raises(InputError):
        quickstart(QuickstartSettings(out=tmp_path / "report", **wrong), QUIET)  # type: ignore[arg-type]
    assert not list(tmp_path.iterdir())
