"""Write the tables into the pages: each replaces the text between its two marks.

    <!-- table: planners -->
    | planner | ... |
    <!-- end -->

A test compares the pages with this command, so that no table is older than the results it shows.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from experiments.tables import (
    benchmarks,
    control,
    environments,
    faults,
    mechanisms,
    overview,
    pixels,
    robot,
    scale,
    speed,
    transfer,
    worlds,
)
from hnn_gym.errors import InputError

ROOT = Path(__file__).parents[2]
PAGES = tuple(sorted([ROOT / "README.md", *(ROOT / "docs").glob("*.md")]))
TABLES: dict[str, Callable[[], str]] = {
    **benchmarks.TABLES,
    **control.TABLES,
    **environments.TABLES,
    **faults.TABLES,
    **mechanisms.TABLES,
    **overview.TABLES,
    **pixels.TABLES,
    **robot.TABLES,
    **scale.TABLES,
    **speed.TABLES,
    **transfer.TABLES,
    **worlds.TABLES,
}
"""Every table by its name."""
_MARKED = re.compile(r"(<!-- table: ([a-z-]+) -->\n).*?(<!-- end -->)", flags=re.DOTALL)


@dataclass(frozen=True)
class Settings:
    """Write the tables of the stored results into the pages."""

    pages: Annotated[tuple[Path, ...], tyro.conf.Positional] = ()
    """Pages to update; without any, the README and all pages in docs."""


def filled(page: str) -> str:
    """Return the text of a page with every marked table made from the stored results.

    Raises:
        InputError: a mark names an unknown table, or its results are missing.
    """

    def table(marked: re.Match[str]) -> str:
        name = marked[2]
        if name not in TABLES:
            raise InputError(f"There is no table {name!r}: choose from {', '.join(sorted(TABLES))}.")
        return marked[1] + TABLES[name]() + marked[3]

    return _MARKED.sub(table, page)


def main(settings: Settings) -> None:
    """Update the pages, and print which of them have changed."""
    for page in settings.pages or PAGES:
        before = page.read_text(encoding="utf-8")
        after = filled(before)
        if after != before:
            page.write_text(after, encoding="utf-8")
            print(f"{page.name}: updated")
