"""The quickstart, ``python -m hnn_gym``: record a real environment, learn it with and without physics, and compare."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import torch
from rich.console import Console
from rich.table import Table

from hnn_gym.command import run
from hnn_gym.errors import InputError
from hnn_gym.evaluation.report import report_folder, write_results
from hnn_gym.page import write_page
from hnn_gym.quickstart import any_environment, pendulum
from hnn_gym.quickstart.settings import PAGE, QuickstartSettings
from hnn_gym.training import FitSettings

BROWSER_PAGE = "world.html"


def quickstart(settings: QuickstartSettings, console: Console) -> dict[str, Any]:
    """Record, learn and compare; return the numbers of the report.

    Raises:
        ExistingPathError: ``out`` exists and is not a report.
        InputError: there is no such environment, it cannot be recorded or learned, the report cannot be written, or a
            setting is out of range.
        ConvergenceError: a fit diverged.
    """
    settings.fit(FitSettings())  # it refuses numbers out of range
    if min(settings.drift_steps, settings.film_steps) < 0:
        raise InputError("--drift-steps and --film-steps must not be negative.")
    if settings.transitions is not None and settings.transitions < 1:
        raise InputError(f"--transitions must be at least 1, not {settings.transitions}.")
    kind = pendulum if settings.env == QuickstartSettings.env else any_environment
    with report_folder(settings.out, overwrite=settings.overwrite) as folder:
        results, rows = kind.compare(settings, folder, console)
        page = _browser_page(folder, settings.env)
        write_results(folder, results)
    table = Table("", title=kind.title(settings))
    for name in results["rows"]:
        table.add_column(name, justify="right")
    for label, cells in rows.items():
        table.add_row(label, *cells)
    console.print(table)
    console.print(
        f"To play with the HNN, open this page in a browser: {settings.out / BROWSER_PAGE}" if page is None else page,
        soft_wrap=True,
    )
    return results


def _browser_page(folder: Path, env_id: str) -> str | None:
    """Write the HNN as a page for a browser; returns why there is none, or None if there is one."""
    try:
        write_page(folder / "hnn", folder / BROWSER_PAGE, name=f"{env_id}, learned")
    except InputError as error:
        return f"There is no page for a browser: {error}"
    return None


def _main(settings: QuickstartSettings) -> None:
    torch.set_num_threads(1)
    os.environ.setdefault("SDL_VIDEODRIVER", "dummy")  # no window opens, and SDL must not look for a display
    console = Console()
    quickstart(settings, console)
    console.print(
        f"The report explains the numbers, with figures and a film: {settings.out / PAGE}. To step the HNN:\n"
        f'  gymnasium.make("HNN-v0", world_model="{settings.out / "hnn"}")',
        soft_wrap=True,
    )


if __name__ == "__main__":
    run(_main, QuickstartSettings, prog="python -m hnn_gym")
