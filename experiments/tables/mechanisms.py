"""Tables of the study of mechanisms: errors of what was learned, what was chosen, and what else was measured."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

from experiments.mechanisms.rows import FREE_BARS, ROWS
from experiments.tables.sources import measurements, power, table

_KINDS = ("recorded", "symplectic", "second-order")


def errors() -> str:
    """Errors on fresh episodes, one number for every recording."""
    rows = []
    for name, cells in _found():
        for horizon, bar in zip(ROWS[name].horizons, ROWS[name].bars, strict=True):
            steps = "one step" if horizon == 1 else f"{horizon} steps"
            shown = [[cell["errors"][kind][str(horizon)] for cell in cells] for kind in _KINDS]
            rows.append(_row(f"{name}, {steps}", shown, bar))
        if name in FREE_BARS:
            shown = [[cell["free"][kind] for cell in cells] for kind in _KINDS]
            rows.append(_row(f"{name}, 200 free steps, absolute", shown, FREE_BARS[name]))
    return table(("what", "recorded stepping", "symplectic stepping", "second-order network", "bar"), rows)


def choices() -> str:
    """What was chosen for every recording, and what the search cost."""
    rows = []
    for name, cells in _found():
        schemes = _counted(cell["scheme"] for cell in cells)
        truth = ROWS[name].scheme
        rows.append(
            (
                name,
                _counted(cell["model"] for cell in cells),
                schemes + (f" (it is {truth})" if truth and truth != schemes else ""),
                _counted(cell["symplectic"] for cell in cells),
                ", ".join(f"{cell['cpu_s']:.0f}" for cell in cells),
                f"{max(cell['worse_than_best_tried'] for cell in cells):.2f}",
            )
        )
    columns = ("recording", "model", "scheme that was found", "symplectic scheme", "CPU s", "error / best model tried")
    return table(columns, rows)


def other() -> str:
    """Episode lengths, rest and energy."""
    rows = []
    for name, cells in _found():
        if "lengths" in cells[0]:
            equal = [
                sum(a == b for a, b in zip(cell["lengths"]["real"], cell["lengths"]["learned"], strict=True))
                for cell in cells
            ]
            rows.append((f"{name}: episodes of 10 whose lengths are the real ones", ", ".join(map(str, equal)), "10"))
        if "rest" in cells[0]:
            crept = [cell["rest"]["symplectic"] for cell in cells]
            shown = ", ".join("it moves" if value is None else f"{value:g}" for value in crept)
            rows.append((f"{name}: creep in 10,000 steps at rest, rad", shown, "0"))
        if "energy" in cells[0]:
            drift = ", ".join(power(cell["energy"]["drift"]) if cell["energy"] else "no H" for cell in cells)
            rows.append((f"{name}: largest change of H in 10,000 free steps, of the change of V", drift, "bounded"))
    return table(("what", "recordings", "bar"), rows)


def _found() -> Iterable[tuple[str, list[dict[str, Any]]]]:
    """The cells of every row that was measured, by recording."""
    found = measurements("mechanisms")
    for name in ROWS:
        cells = list(found.below(f"{name}/").values())
        if cells:
            yield name, cells


def _row(what: str, errors: list[list[float]], bar: float) -> tuple[str, ...]:
    return (what, *(", ".join(map(power, values)) for values in errors), f"<= {bar:g}")


def _counted(values: Iterable[str]) -> str:
    counts = Counter(values)
    if len(counts) == 1:
        return next(iter(counts))
    return ", ".join(f"{value} ({count})" for value, count in counts.most_common())


TABLES = {"mechanism-errors": errors, "mechanism-choices": choices, "mechanism-others": other}
"""By name."""
