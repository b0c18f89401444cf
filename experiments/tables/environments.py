"""Tables of the tasks: returns of simple agents, and the tasks that energy bumps solve."""

from __future__ import annotations

import numpy as np

from experiments.bump_tasks import BUMP_TASKS
from experiments.tables.sources import measurements, table
from experiments.tasks import HORIZONS, WAYS


def tasks() -> str:
    """Mean returns of doing nothing, of random actions and of planning in the true environments."""
    found = measurements("tasks")
    rows = [
        (f"`{env_id}`", *(f"{np.mean(found[f'{env_id}/{way}']['returns']):.0f}" for way in WAYS)) for env_id in HORIZONS
    ]
    return table(("", *WAYS), rows)


def bump_tasks() -> str:
    """Numbers of starts that an agent of a few lines solves with energy bumps."""
    rows = []
    for env_id in BUMP_TASKS:
        found = measurements("bumps")[f"tasks/{env_id}"]
        error = found["true_energy_error_at_the_end_J"]
        rows.append(
            (
                f"`{env_id}`",
                found["solved_if"],
                f"{found['solved']} of {found['of']}",
                str(found["solved_without_bumps"]),
                f"{error['median']:.1e}",
                f"{error['worst']:.1e}",
                f"{found['return_mean']:.1f}",
                f"{found['return_without_bumps']:.1f}",
            )
        )
    columns = (
        "",
        "solved if",
        "starts solved",
        "solved without bumps",
        "median error of the true energy at the end, J",
    )
    return table((*columns, "worst error", "mean return", "mean return without bumps"), rows)


def bump_errors() -> str:
    """Largest difference of requested and realised energy in every shipped world with an H."""
    found = measurements("bumps").below("exactness/")
    worlds = sorted({name.partition("/")[0] for name in found})
    rows = [
        (f"`{world}`", *(f"{found[f'{world}/{kind}']['largest_error_J']:.1e}" for kind in ("float64", "float32")))
        for world in worlds
    ]
    return table(("largest error of a bump, J", "float64", "float32"), rows)


TABLES = {"bump-errors": bump_errors, "tasks": tasks, "bump-tasks": bump_tasks}
"""By name."""
