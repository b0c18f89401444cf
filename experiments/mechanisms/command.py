"""Every mechanism, learned from a recording without declaring anything: ``python -m experiments.mechanisms``.

Each recording is learned by ``train_auto`` and judged on fresh episodes, beside a second-order network that is fitted
through the same scheme by the same method. MuJoCo's environments need the extra mujoco.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from importlib.util import find_spec
from pathlib import Path

import torch
from rich.console import Console

from experiments.mechanisms import contacts
from experiments.mechanisms.cells import measured, true_flow
from experiments.mechanisms.rows import CONTACTS, ROWS
from hnn_gym.errors import InputError
from hnn_gym.studies import Executing, Execution, Results, run_cells


@dataclass(frozen=True)
class Settings:
    """Learn recordings of many mechanisms and judge what was learned."""

    out: Path | None = Path("docs/results/mechanisms.json")
    """JSON file; results in it are not measured again. None: keep nothing."""
    rows: tuple[str, ...] = (*ROWS, *CONTACTS)
    """Which rows."""
    seeds: tuple[int, ...] = (0, 1, 2, 3, 4)
    """Seeds of the recordings."""
    execution: Executing = field(default_factory=Execution)

    def __post_init__(self) -> None:
        """Check the rows."""
        unknown = [name for name in self.rows if name not in (*ROWS, *CONTACTS)]
        if unknown:
            raise InputError(f"There is no row {unknown[0]!r}: choose from {', '.join((*ROWS, *CONTACTS))}.")


def main(settings: Settings) -> None:
    """Measure what the results lack, and print all of it."""
    torch.set_num_threads(1)
    console = Console(soft_wrap=True)
    results = Results(settings.out, command="python -m experiments.mechanisms")
    rows = [name for name in settings.rows if not name.endswith("-v5") or find_spec("mujoco") is not None]
    for name in set(settings.rows) - set(rows):
        console.print(f"{name}: left out, since MuJoCo is not installed (pip install hnn-gym[mujoco])")
    kinds = {name: contacts.learned if name in CONTACTS else measured for name in rows}
    cells = {f"{name}/{seed}": partial(kinds[name], name, seed) for seed in settings.seeds for name in rows}
    known = [name for name in rows if name in ROWS and ROWS[name].truth is not None]
    cells |= {f"true H, {name}/{seed}": partial(true_flow, name, seed) for seed in settings.seeds for name in known}
    with settings.execution.opened() as executor:
        run_cells(results, cells, executor=executor, console=console)
    for key in cells:
        console.print(key, results[key])
