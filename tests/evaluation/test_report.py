"""The report folder: all of it or nothing, and nobody else's files are touched."""

from __future__ import annotations

import json
from pathlib import Path

import imageio.v3 as imageio
import numpy as np
import pytest

from hnn_gym.errors import ExistingPathError
from hnn_gym.evaluation.report import report_folder, write_gif, write_results


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


def test_numbers_that_are_not_finite_stay_readable(tmp_path: Path) -> None:
    write_results(tmp_path, {"blown_up": np.array([1.0, np.inf])})
    assert json.loads((tmp_path / "results.json").read_text())["blown_up"] == [1.0, "inf"]


def test_a_film_shows_its_panels_in_order(tmp_path: Path) -> None:
    red, blue = np.zeros((40, 40, 3), np.uint8), np.zeros((40, 40, 3), np.uint8)
    red[..., 0], blue[..., 2] = 255, 255
    write_gif(tmp_path / "x.gif", {"a": [red] * 3, "b": [blue] * 3}, fps=10, size=40)
    film = imageio.imread(tmp_path / "x.gif")
    assert film.shape[0] in (1, 3)  # Pillow merges frames that are equal
    picture = film[0][..., :3].astype(int)
    assert picture[50, 20].argmax() == 0
    assert picture[50, 60].argmax() == 2
