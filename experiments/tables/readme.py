"""The table of the README, at most six rows with one number a cell, and of the measurements beside it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from experiments.long_task import page as long_task
from experiments.sample_efficiency import page as study
from experiments.tables.sources import best_returns, measurements, report, table

_HNN, _OTHER = "HNN", "second-order MLP"


def readme() -> str:
    """What the learned Hamiltonian is good for, beside a network without physics that was trained in the same way."""
    rows = [
        ("return short of the optimum, learned from 25 transitions (1.25 s)", *_regret(0.0, 25)),
        ("the same, from 400 transitions with 5 % sensor noise", *_regret(0.05, 400)),
        ("return lost in a task of 5,000 steps with a weak motor, from 50 transitions", *_long(0.0, 50)),
        ("range of the true energy over 10,000 free steps, worst of 20 starts, over the real range", *_band()),
        ("steps predicted from video alone, of 1,001", *_video()),
        ("steps per second of 1,024 copies, against 64 of `Pendulum-v1`", _speed(), "-"),
    ]
    return table(("on the real `Pendulum-v1`", "HNN", "network without physics"), rows, numbers=True)


def noise() -> str:
    """Regret from noisy recordings, acting on exact observations."""
    rows = [
        (f"{share:.0%}", str(steps), *_regret(share, steps, (_HNN, _OTHER, "first-order MLP")))
        for share, steps in ((0.05, 400), (0.05, 100), (0.01, 100))
    ]
    columns = ("noise", "transitions", "HNN", "second-order network", "first-order network")
    return table(columns, rows, numbers=True)


def _regret(noise: float, steps: int, worlds: Sequence[str] = (_HNN, _OTHER)) -> list[str]:
    found, best = study.cells(measurements("sample_efficiency")), best_returns()
    return [
        f"{np.mean([best - np.array(cell['returns']) for cell in found[noise, steps, name]]):.1f}" for name in worlds
    ]


def _long(noise: float, steps: int) -> list[str]:
    results = measurements("long_task")
    found = long_task.cells(results)[noise, steps]
    return [f"{np.mean(long_task.losses(results, found[name])):z.0f}" for name in (_HNN, _OTHER)]


def _band() -> list[str]:
    ratios = report("pendulum")["drift"]["reset(seed=0..19)"]["worst_ratio_to_real_map"]
    return [f"{ratios['HNNPendulum-v0']:.4f}", f"{ratios['BaselinePendulum-v0']:.2f}"]


def _video() -> list[str]:
    found = measurements("pixels")
    return [
        f"{np.mean([found[f'forecasts/{seed}/{name}']['51 frames']['vpt_median'] for seed in (0, 1, 2)]):.0f}"
        for name in ("HNN", "second-order network")
    ]


def _speed() -> str:
    (row,) = [row for row in report("throughput")["rows"] if row["what"].endswith("SyncVectorEnv of 64")]
    return f"{row['ratio']:.0f} x"


TABLES = {"readme": readme, "noise": noise}
"""By name."""
