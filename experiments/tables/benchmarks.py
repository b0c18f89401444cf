"""Tables of the published benchmarks: what others report, and every seed of ours."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from experiments.lagrangian_rl.systems import PUBLISHED
from experiments.network_tuning import DECAYS, JUDGES, SEVERAL, chosen, tried
from experiments.structures import STRUCTURES
from experiments.tables.sources import measurements, power, table
from hnn_gym.studies import Results

_SYMODEN = {"pendulum": 0.0948, "cart-pole": 4.16, "acrobot": 0.809}
"""Prediction error of SymODEN in the result notebooks of its repository."""
_CHNN = {(1, 800): 6.1e-5, (2, 800): 1.2e-4, (3, 800): 3.4e-4, (5, 800): 1.1e-3, (2, 10): 1.6e-2, (2, 100): 9.4e-4}
"""Geometric mean over the test trajectories of CHNN, computed from the CSV files of its repository."""
_PHIHP = {
    "Pendulum": (-263, 2_000),
    "Pendulum-sw": (-356, 5_000),
    "CartPole": (500, 5_000),
    "CartPole-sw": (453, 5_000),
    "CartPole raised": None,
    "Acrobot": (-138, 5_000),
    "Acrobot-sw": (371, 15_000),
}
"""Return of PhIHP, and real steps; one task is our own."""
_OTHERS = {(1, 800): 1.2e-4, (2, 800): 1.3e-3, (3, 800): 4.1e-2, (5, 800): 3.3e-1, (2, 10): 3.9e-1, (2, 100): 1.7e-2}
"""The better of HNN and DeLaN, which know nothing of the links."""
_STUDIES = {
    "symoden": "SymODEN, {}",
    "chains": "CHNN, links: {}",
    "lagrangian_rl": "frictionless, {}",
    "friction_rl": "with friction, {}",
}
"""How a task is called in the table of all of them."""


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


def network_tuning() -> str:
    """Error or return with every number of units that was tried in a task, what was chosen, and its CPU time."""
    results = measurements("network_tuning")
    errors = {task: tried(results, task) for task in JUDGES}
    sizes = sorted({units for found in errors.values() for units, _ in found})
    rows = []
    for task, found in errors.items():
        study, name = task.split("/")
        units, decay = chosen(results, task)
        shown = power if study in ("symoden", "chains") or name in SEVERAL else _as_return
        own = [found.get((size, DECAYS[0])) for size in sizes]
        rows.append(
            (
                _STUDIES[study].format(name),
                *("-" if error is None else shown(error) for error in own),
                f"{units} units, {decay:g}",
                shown(found[units, decay]),
                f"{results[f'{task}/{units}/{decay:g}']['cpu_s']:.0f}",
            )
        )
    columns = (*(f"{size} units" for size in sizes), "chosen", "with the choice", "CPU s")
    return table(("task", *columns), rows, numbers=True)


def _as_return(lost: float) -> str:
    return f"{-lost:.1f}"


def lagrangian_rl() -> str:
    """Real returns of every recording, and how well the world is known where it has to be held."""
    found = measurements("lagrangian_rl")
    rows = []
    for task, (theirs, millions) in PUBLISHED.items():
        counts = sorted({int(name.split("/")[0]) for name in found.below(f"{task}/")}, reverse=True)
        for steps, structure in ((steps, structure) for steps in counts for structure in ("truth", *STRUCTURES)):
            cells = _seeds(found, f"{task}/{steps}/{structure}/")
            if not cells:
                continue
            known = [cell["error_at_the_goal"] for cell in cells.values() if "error_at_the_goal" in cell]
            seconds = [cell.get("fit_cpu_s", 0) + cell.get("plan_cpu_s", 0) for cell in cells.values()]
            promised = [cell["dream"] for cell in cells.values() if "dream" in cell]
            rows.append(
                (
                    task,
                    "true world" if structure == "truth" else structure,
                    f"{steps:,}",
                    f"{theirs:.1f} after {millions}M",
                    *(_mean_return(cells.get(str(seed))) for seed in range(3)),
                    *(_worst_return(cells.get(str(seed))) for seed in range(3)),
                    f"{np.median(promised):.0f}" if promised else "-",
                    "0" if structure == "truth" or not known else power(float(np.median(known))),
                    f"{np.median(seconds):.0f}",
                )
            )
    columns = (
        "task",
        "planned in",
        "steps",
        "Ramesh and Ravindran",
        *(f"recording {seed}" for seed in range(3)),
        *(f"worst start {seed}" for seed in range(3)),
        "in the dream",
        "error at the goal",
        "CPU s",
    )
    return table(columns, rows, numbers=True)


def friction_rl() -> str:
    """Real returns of every recording, from shared starts."""
    found = measurements("friction_rl")
    rows = []
    for task, theirs in _PHIHP.items():
        for structure in ("truth", "chain", "second-order network"):
            cells = _seeds(found, f"{task}/{structure}/")
            if not cells:
                continue
            whole = [cell for cell in cells.values() if "mean" in cell]
            errors = [cell["one_step_error"] for cell in whole]
            seconds = [cell["fit_cpu_s"] + cell["agent_cpu_s"] for cell in whole]
            learned = structure != "truth"
            rows.append(
                (
                    task,
                    structure if learned else "true world",
                    "-" if theirs is None else f"{theirs[0]} from {theirs[1]:,}",
                    f"{next(cell['steps'] for cell in whole):,}" if learned and whole else "-",
                    *(_published(cells.get(str(seed))) for seed in range(5 if learned else 1)),
                    *([] if learned else ["-"] * 4),
                    f"{np.mean([cell['mean'] for cell in whole]):.1f}" if whole else "failed",
                    f"{min((cell['worst'] for cell in whole), default=np.nan):.0f}",
                    power(float(np.median(errors))) if learned and errors else "-",
                    f"{np.median(seconds):.0f}" if whole else "-",
                )
            )
    columns = (
        "task",
        "acted in",
        "PhIHP",
        "steps",
        *(f"recording {seed}" for seed in range(5)),
        "mean",
        "worst start",
        "one-step error",
        "CPU s",
    )
    return table(columns, rows, numbers=True)


def _published(cell: Mapping[str, Any] | None) -> str:
    if cell is None:
        return "not run"
    return f"{cell['mean']:.1f}" if "mean" in cell else "failed"


def _mean_return(cell: Mapping[str, Any] | None) -> str:
    if cell is None:
        return "not run"
    return f"{np.mean(cell['returns']):.1f}" if "returns" in cell else "failed"


def _worst_return(cell: Mapping[str, Any] | None) -> str:
    if cell is None:
        return "not run"
    return f"{min(cell['returns']):.0f}" if "returns" in cell else "failed"


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
    return f"{np.median(found):.1f}" if found else "-"


TABLES: dict[str, Callable[[], str]] = {
    "network-tuning": network_tuning,
    "symoden": symoden,
    "chains": chains,
    "lagrangian-rl": lagrangian_rl,
    "friction-rl": friction_rl,
}
"""By name."""
