"""Tables of the study of mechanisms: errors of what was learned, what was chosen, and what else was measured."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

from experiments.mechanisms.rows import CONTACT_HORIZONS, CONTACTS, FREE_BARS, ROWS
from experiments.tables.sources import measurements, power, table

_KINDS = ("recorded", "symplectic", "second-order")


def errors() -> str:
    """Errors on fresh episodes, one number for every recording."""
    rows = []
    for name, cells in _found():
        for horizon, bar in zip(ROWS[name].horizons, ROWS[name].bars, strict=True):
            steps = "one step" if horizon == 1 else f"{horizon} steps"
            shown = [[cell["errors"][kind][str(horizon)] for cell in cells] for kind in _KINDS]
            shown.insert(2, [cell[str(horizon)] for cell in _true_flows(name)])
            rows.append(_row(f"{name}, {steps}", shown, bar))
        if name in FREE_BARS:
            shown = [[cell["free"][kind] for cell in cells] for kind in _KINDS]
            shown.insert(2, [])
            rows.append(_row(f"{name}, 200 free steps, absolute", shown, FREE_BARS[name]))
    columns = "what", "recorded stepping", "symplectic stepping", "true H, symplectic", "second-order network", "bar"
    return table(columns, rows)


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


def named() -> str:
    """In how many recordings the scheme is named right, and in how many the observation map is inferred right."""
    rows = {}
    for name, cells in _found():
        if ROWS[name].scheme:
            right = sum(cell["scheme"] == ROWS[name].scheme for cell in cells)
            rows[name] = [f"{right} of {len(cells)} ({ROWS[name].scheme})", "-"]
    for key, recordings in measurements("inferred_maps").below("").items():
        name, _, noise = key.partition("/noise ")
        if noise == "0":
            right = sum(not faults for faults in recordings)
            rows.setdefault(name, ["-", "-"])[1] = f"{right} of {len(recordings)}"
    return table(
        ("recording", "scheme named right", "map inferred right"), [(name, *row) for name, row in rows.items()]
    )


def with_contacts() -> str:
    """What was learned where feet hit the ground."""
    rows = []
    for name in CONTACTS:
        for cell in measurements("mechanisms").below(f"{name}/").values():
            errors = ", ".join(f"{cell['errors'][str(horizon)]:.2g}" for horizon in CONTACT_HORIZONS)
            reward = f"{cell['task']['reward_rms']:.2g} ({cell['task']['reward_spread']:.2g})"
            words, finite = " ".join(cell["words"]), f"{cell['finite']:.0%}"
            rows.append((name, words, errors, reward, finite, f"{cell['cpu_s']:.0f}"))
    steps = " and ".join(map(str, CONTACT_HORIZONS))
    columns = (
        "recording",
        "what `train` says",
        f"error on fresh episodes after {steps} steps",
        "error of the reward (its spread)",
        "finite steps",
        "CPU s",
    )
    return table(columns, rows)


def _found() -> Iterable[tuple[str, list[dict[str, Any]]]]:
    """The cells of every row that was measured, by recording."""
    found = measurements("mechanisms")
    for name in ROWS:
        cells = list(found.below(f"{name}/").values())
        if cells:
            yield name, cells


def _true_flows(name: str) -> Iterable[dict[str, float]]:
    return measurements("mechanisms").below(f"true H, {name}/").values()


def _row(what: str, errors: list[list[float]], bar: float) -> tuple[str, ...]:
    return (what, *(", ".join(map(power, values)) or "-" for values in errors), f"<= {bar:g}")


def _counted(values: Iterable[str]) -> str:
    counts = Counter(values)
    if len(counts) == 1:
        return next(iter(counts))
    return ", ".join(f"{value} ({count})" for value, count in counts.most_common())


TABLES = {
    "mechanism-errors": errors,
    "mechanism-choices": choices,
    "mechanism-others": other,
    "mechanism-named": named,
    "mechanism-contacts": with_contacts,
}
"""By name."""
