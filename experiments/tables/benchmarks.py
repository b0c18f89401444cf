"""Tables of the published benchmarks: what others report, and every seed of ours."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from experiments.results import Results
from experiments.structures import STRUCTURES
from experiments.tables.sources import measurements, power, table

_SYMODEN = {"pendulum": 0.0948, "cart-pole": 4.16, "acrobot": 0.809}
"""Prediction error of SymODEN in the result notebooks of its repository."""
_CHNN = {(1, 800): 6.1e-5, (2, 800): 1.2e-4, (3, 800): 3.4e-4, (5, 800): 1.1e-3, (2, 10): 1.6e-2, (2, 100): 9.4e-4}
"""Geometric mean over the test trajectories of CHNN, computed from the CSV files of its repository."""
_OTHERS = {(1, 800): 1.2e-4, (2, 800): 1.3e-3, (3, 800): 4.1e-2, (5, 800): 3.3e-1, (2, 10): 3.9e-1, (2, 100): 1.7e-2}
"""The better of HNN and DeLaN, which know nothing of the links."""


def symoden() -> str:
    """The prediction errors of every seed, and those from fresh starts."""
    found = measurements("symoden")
    rows = []
    for task, theirs in _SYMODEN.items():
        for structure in STRUCTURES:
            cells = _seeds(found, f"{task}/{structure}/")
            if not cells:
                continue
            rows.append(
                (
                    task,
                    structure,
                    f"{theirs:g}",
                    *_values(cells, "prediction", 5),
                    _median(cells, "prediction"),
                    _median(cells, "fresh"),
                    _seconds(cells),
                )
            )
    columns = ("task", "model", "SymODEN", *(f"seed {seed}" for seed in range(5)), "median", "fresh starts", "CPU s")
    return table(columns, rows, numbers=True)


def chains() -> str:
    """The errors of every seed, and the floors."""
    found = measurements("chains")
    rows = []
    for (links, pieces), theirs in _CHNN.items():
        for structure in STRUCTURES:
            cells = _seeds(found, f"learned/{links}/{pieces}/{structure}/")
            if not cells:
                continue
            rows.append(
                (
                    str(links),
                    str(pieces),
                    structure,
                    power(theirs),
                    power(_OTHERS[links, pieces]),
                    *_values(cells, "geometric", 3),
                    _median(cells, "arithmetic"),
                    power(found[f"perturbed/{links}"]["geometric"]),
                    _seconds(cells),
                )
            )
    columns = (
        "links",
        "pieces",
        "model",
        "CHNN",
        "DeLaN or HNN",
        *(f"seed {seed}" for seed in range(3)),
        "arithmetic mean",
        "true chain, starts off by 1e-4",
        "CPU s",
    )
    return table(columns, rows, numbers=True)


def _seeds(found: Results, prefix: str) -> Mapping[str, Any]:
    return found.below(prefix)


def _values(cells: Mapping[str, Any], name: str, seeds: int) -> Sequence[str]:
    return [_cell(cells.get(str(seed)), name) for seed in range(seeds)]


def _cell(cell: Mapping[str, Any] | None, name: str) -> str:
    if cell is None:
        return "not run"
    return power(cell[name]) if np.isfinite(cell.get(name, np.inf)) else "failed"


def _median(cells: Mapping[str, Any], name: str) -> str:
    return power(float(np.median([cell.get(name, np.inf) for cell in cells.values()])))


def _seconds(cells: Mapping[str, Any]) -> str:
    found = [cell["cpu_s"] for cell in cells.values() if "cpu_s" in cell]
    return f"{np.median(found):.0f}" if found else "-"


TABLES: dict[str, Callable[[], str]] = {"symoden": symoden, "chains": chains}
"""By name."""
