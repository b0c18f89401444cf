"""Tables of what is learned from the logs of machines."""

from __future__ import annotations

from typing import Any

import numpy as np

from experiments.real_robot.command import MAKERS, chosen_candidates
from experiments.real_robot.contenders import CANDIDATES, HORIZONS, STILL, pooled
from experiments.tables.sources import measurements, table


def left_out() -> str:
    """Errors of the forecasts of recordings that were left out, over all starts."""
    found = measurements("real_robot")
    chosen = [found[f"left-out/{name}/{recording}"] for recording, name in chosen_candidates(found).items()]
    named = {
        "nothing moves": _cells(STILL),
        **{f"the makers' model {name.removeprefix('makers-')}": _cells(name) for name in MAKERS},
        "rigid links with friction, from positions": chosen,
    }
    rows = []
    for name, cells in named.items():
        worst = np.sqrt(
            np.max([np.array(errors) for cell in cells for errors in cell["mean_squares"].values()], axis=0)
        )
        both = [f"{error:.4f} ({high:.4f})" for error, high in zip(pooled(cells), worst, strict=True)]
        seconds = max(cell["cpu_s"] for cell in cells)
        rows.append((name, *both, f"{seconds:.0f}" if seconds else "-"))
    return table(("world", *(f"{horizon:g} s" for horizon in HORIZONS), "CPU s"), rows)


def swing_up() -> str:
    """Errors of the forecasts of a swing-up, by worlds learned from all excitations."""
    found = measurements("real_robot")
    named = {"nothing moves": STILL, "the makers' model 1.0": MAKERS[0], "the makers' model 2.0": MAKERS[1]}
    named |= {f"rigid links, windows of {name.rpartition('-')[2]} s": name for name in CANDIDATES}
    rows = [
        (name, *(f"{error:.4f}" for error in pooled([found[f"other/{contender}"]])))
        for name, contender in named.items()
    ]
    return table(("world", *(f"{horizon:g} s" for horizon in HORIZONS)), rows)


def friction() -> str:
    """The friction of both joints in the worlds of the four folds: mean and spread."""
    found = measurements("real_robot")
    cells = [found[f"left-out/{name}/{recording}"] for recording, name in chosen_candidates(found).items()]
    rows = []
    for part, label in (("viscous_N_m_s", "viscous, N m s"), ("coulomb_N_m", "Coulomb, N m")):
        values = np.array([cell["friction"][part] for cell in cells])
        entries = zip(values.mean(axis=0), values.std(axis=0, ddof=1), strict=True)
        rows.append((label, *(f"{mean:.4f} +- {spread:.4f}" for mean, spread in entries)))
    return table(("friction", "joint 1", "joint 2"), rows)


def _cells(contender: str) -> list[Any]:
    """The measurements of a contender, one for each recording that was left out."""
    return list(measurements("real_robot").below(f"left-out/{contender}/").values())


TABLES = {
    "robot-left-out": left_out,
    "robot-swing-up": swing_up,
    "robot-friction": friction,
}
