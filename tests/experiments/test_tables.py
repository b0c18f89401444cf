"""The tables and generated pages show the stored results, so that no page is older than its results."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from experiments.long_task import page as long_task
from experiments.paper import table as paper
from experiments.sample_efficiency import page as sample_efficiency
from experiments.tables import command
from experiments.tables.command import PAGES, ROOT, TABLES, Settings, filled, main
from experiments.tables.sources import best_returns, measurements, power, rate, table
from hnn_gym.errors import InputError


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_the_tables_of_the_page_are_those_of_the_stored_results(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert filled(text) == text, f"{page.name} is out of date: run python -m experiments.tables"


def test_every_table_is_on_a_page() -> None:
    marked = {name for page in PAGES for name in re.findall(r"<!-- table: ([a-z-]+) -->", page.read_text())}
    assert marked == set(TABLES)


def test_the_generated_pages_are_those_of_the_stored_results() -> None:
    planned = np.array(measurements("optimum")["planner"])
    pages = {
        "sample-efficiency.md": sample_efficiency.page(measurements("sample_efficiency"), best_returns(), planned),
        "long-task.md": long_task.page(measurements("long_task")),
        "results/paper.md": paper.markdown(measurements("paper")),
    }
    for name, text in pages.items():
        assert (ROOT / "docs" / name).read_text(encoding="utf-8") == text, f"docs/{name} is out of date"


def test_the_readme_has_one_table_of_at_most_six_rows_with_one_number_a_cell() -> None:
    rows = [line for line in (ROOT / "README.md").read_text().splitlines() if line.startswith("|")]
    assert len(rows) <= 2 + 6
    for row in rows[2:]:
        for cell in row.strip("|").split("|")[1:]:
            assert re.fullmatch(r" (-?[\d.,]+( x)?|-) ", cell), row


def test_the_command_replaces_what_stands_between_the_marks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(command.TABLES, "one-step", lambda: "| new |\n")
    page = tmp_path / "page.md"
    page.write_text("a\n<!-- table: one-step -->\n| old |\n<!-- end -->\nb\n")
    main(Settings(pages=(page,)))
    assert page.read_text() == "a\n<!-- table: one-step -->\n| new |\n<!-- end -->\nb\n"
    assert capsys.readouterr().out == "page.md: updated\n"
    main(Settings(pages=(page,)))
    assert capsys.readouterr().out == ""
    with pytest.raises(InputError, match="no table 'two-step'"):
        filled("<!-- table: two-step -->\n<!-- end -->\n")


def test_missing_results_are_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("experiments.tables.sources.RESULTS", tmp_path)
    with pytest.raises(InputError, match=r"has no somewhere\.json"):
        measurements("somewhere")


def test_numbers_and_tables_are_written_plainly() -> None:
    assert [rate(value) for value in (12.62e6, 101_400.0, 98.76, 247e6)] == ["12.6M", "101k", "98.8", "247M"]
    assert power(7.64e-06) == "7.6e-6"
    assert table(("a", "b"), [("x", "1")], numbers=True) == "| a | b |\n|---|---:|\n| x | 1 |\n"
