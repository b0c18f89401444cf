"""The report folder is written completely or not at all, and foreign files are not touched."""

from __future__ import annotations

import json
from pathlib import Path

import imageio.v3 as imageio
import numpy as np
import pytest

from hnn_gym.errors import ExistingPathError, InputError
from hnn_gym.evaluation.report import markdown_table, report_folder, save_gif, write_gif, write_results


def test_a_report_appears_only_when_it_is_complete(tmp_path: Path) -> None:
    out = tmp_path / "report"
    with pytest.raises(RuntimeError, match="half-way"):
        _fail_half_way(out)
    assert list(tmp_path.iterdir()) == []
    with report_folder(out) as folder:
        write_results(folder, {"a": 1})
        assert not out.exists()
    assert json.loads((out / "results.json").read_text())["a"] == 1


def _fail_half_way(out: Path) -> None:
    with report_folder(out) as folder:
        (folder / "part").write_text("x")
        raise RuntimeError("half-way")


def test_an_earlier_report_is_replaced_and_a_failed_run_keeps_it(tmp_path: Path) -> None:
    out = tmp_path / "report"
    for value in (1, 2):
        with report_folder(out) as folder:
            write_results(folder, {"value": value})
    with pytest.raises(RuntimeError), report_folder(out):
        raise RuntimeError
    assert json.loads((out / "results.json").read_text())["value"] == 2


def test_a_report_that_a_killed_run_had_set_aside_is_put_back(tmp_path: Path) -> None:
    out = tmp_path / "report"
    with report_folder(out) as folder:
        write_results(folder, {"value": 1})
    out.rename(tmp_path / ".report.old")
    (tmp_path / ".report.partial").mkdir()
    with pytest.raises(RuntimeError), report_folder(out):
        raise RuntimeError
    assert json.loads((out / "results.json").read_text())["value"] == 1
    assert [path.name for path in tmp_path.iterdir()] == ["report"]


def test_two_reports_are_not_written_to_one_folder_at_once(tmp_path: Path) -> None:
    with report_folder(tmp_path / "report") as folder:
        write_results(folder, {"value": 1})
        with pytest.raises(InputError, match="is being written by process"), report_folder(tmp_path / "report"):
            pass
    assert json.loads((tmp_path / "report" / "results.json").read_text())["value"] == 1


def test_a_folder_that_is_not_a_report_is_kept_unless_overwriting_is_asked_for(tmp_path: Path) -> None:
    out = tmp_path / "thesis"
    out.mkdir()
    (out / "chapter").write_text("years of work")
    with pytest.raises(ExistingPathError, match="--overwrite"), report_folder(out):
        pass
    assert (out / "chapter").read_text() == "years of work"
    with report_folder(out, overwrite=True) as folder:
        write_results(folder, {})
    assert not (out / "chapter").exists()


def test_a_report_that_contains_a_foreign_file_is_kept_and_the_file_named(tmp_path: Path) -> None:
    out = tmp_path / "report"
    with report_folder(out) as folder:
        write_results(folder, {})
    (out / "mine").mkdir()
    (out / "mine" / "notes.txt").write_text("do not lose")
    with pytest.raises(ExistingPathError, match=r"mine/notes\.txt"), report_folder(out):
        pass
    assert (out / "mine" / "notes.txt").exists()


def test_hidden_files_of_a_file_manager_do_not_protect_a_report(tmp_path: Path) -> None:
    out = tmp_path / "report"
    with report_folder(out) as folder:
        write_results(folder, {})
    (out / ".DS_Store").write_text("")
    with report_folder(out) as folder:
        write_results(folder, {"run": 2})
    assert {path.name for path in tmp_path.iterdir()} == {"report"}


@pytest.mark.parametrize("where", [".", ".."])
def test_the_current_folder_is_never_replaced(where: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    inside = tmp_path / "outer" / "inner"
    inside.mkdir(parents=True)
    monkeypatch.chdir(inside)
    with pytest.raises(InputError, match="current folder"), report_folder(Path(where), overwrite=True):
        pass
    assert inside.exists()


def test_a_path_that_cannot_be_a_folder_is_one_plain_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for out in (tmp_path / "file" / "report", tmp_path / ("x" * 300)):
        with pytest.raises(InputError, match=r"No report can be made|cannot be written"), report_folder(out):
            pass


def test_a_markdown_table_has_a_column_for_each_name() -> None:
    text = markdown_table(["a", "b"], {"one": ["1", "2"], "two": ["3", "-"]})
    assert text == "|  | a | b |\n| --- | ---: | ---: |\n| one | 1 | 2 |\n| two | 3 | - |\n"


def test_numbers_that_are_not_finite_stay_readable(tmp_path: Path) -> None:
    write_results(tmp_path, {"blown_up": np.array([1.0, np.inf])})
    assert json.loads((tmp_path / "results.json").read_text())["blown_up"] == [1.0, "inf"]


def test_a_film_shows_its_panels_in_order(tmp_path: Path) -> None:
    red, blue = np.zeros((40, 40, 3), np.uint8), np.zeros((40, 40, 3), np.uint8)
    red[..., 0], blue[..., 2] = 255, 255
    write_gif(tmp_path / "x.gif", {"a": [red, blue], "b": [blue, red]}, fps=10, size=40)
    film = imageio.imread(tmp_path / "x.gif")[..., :3].astype(int)
    assert film.shape == (2, 62, 80, 3)
    assert [film[k, 50, x].argmax() for k in (0, 1) for x in (20, 60)] == [0, 2, 2, 0]


def test_notes_are_written_below_the_pictures(tmp_path: Path) -> None:
    white = np.full((40, 40, 3), 255, np.uint8)
    for note in ("", "ab"):
        write_gif(tmp_path / "x.gif", {"a": [white]}, fps=10, size=40, notes={"a": [note]})
        below = imageio.imread(tmp_path / "x.gif")[0, 62:, :, :3]
        assert below.shape[0] == 22
        assert (below.min() < 128) == bool(note)


def test_a_film_keeps_its_background_and_details_of_its_middle(tmp_path: Path) -> None:
    frames = np.full((9, 20, 30, 3), 255, np.uint8)
    frames[:, 12:] = 250  # nearly white: antialiasing and averaging must not grey the background
    frames[4, 5:10, 5:10] = [240, 150, 40]
    frames[range(9), 15, range(9)] = 0  # frames that are equal would become one
    save_gif(tmp_path / "x.gif", frames, fps=12.5)
    film = imageio.imread(tmp_path / "x.gif")[..., :3]
    assert film[:, 0, 0].min() == 255
    assert np.abs(film[4, 7, 7].astype(int) - [240, 150, 40]).max() < 8


def test_a_wide_picture_keeps_its_proportions_in_a_film(tmp_path: Path) -> None:
    wide = np.zeros((10, 40, 3), np.uint8)
    write_gif(tmp_path / "x.gif", {"a": [wide]}, fps=10, size=40)
    shown = imageio.imread(tmp_path / "x.gif")[0, 22:]
    dark = (shown.max(axis=-1) < 60).any(axis=1)
    assert dark.sum() == 10  # a quarter of the height, as of the width
