"""The table of the README, at most six rows with one number a cell, and the short ones of the measurements."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from experiments import transfer
from experiments.long_task import page as long_task
from experiments.pendulum import worst_ratios
from experiments.sample_efficiency import page as study
from experiments.tables.sources import best_returns, measurements, report, table

_HNN, _OTHER = "HNN", "second-order MLP"


def readme() -> str:
    """The benefits of the learned Hamiltonian beside a network without physics that was trained in the same way."""
    rows = [
        ("return short of the optimum, learned from 25 transitions (1.25 s)", *_better(0.0, 25)),
        ("the same, from 400 transitions with 5 % sensor noise", *_better(0.05, 400)),
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


def few_transitions() -> str:
    """Regret of planners in worlds learned from little, and of SAC on the real environment."""
    found, best = measurements("sample_efficiency"), best_returns()
    worlds = {_HNN: "the HNN", _OTHER: "the second-order network", "first-order MLP": "the first-order network"}
    rows = [
        (f"planner in {name}", "25", cell)
        for name, cell in zip(worlds.values(), _regret(0.0, 25, tuple(worlds)), strict=True)
    ]
    for steps in (2_000, 5_000):
        seeds = study.model_free_cells(found)[0.0, "SAC", steps]
        regret = np.mean([best - np.array(seed["returns"]) for seed in seeds])
        rows.append(("SAC on the real environment", f"{steps:,}", f"{regret:.1f}"))
    return table(("agent", "real transitions", "mean regret"), rows, numbers=True)


def weak_motor() -> str:
    """Loss in the long task, and the number of recordings on which the HNN's agent earns more."""
    results = measurements("long_task")
    rows = []
    for (noise, steps), found in long_task.cells(results).items():
        losses = {name: long_task.losses(results, found[name]) for name in (_HNN, _OTHER)}
        better = int((losses[_OTHER] > losses[_HNN]).sum())
        means = (f"{loss.mean():z.0f}" for loss in losses.values())
        rows.append((str(steps), f"{noise:.0%}", *means, f"{better} of {len(losses[_HNN])}"))
    columns = (
        "transitions",
        "noise",
        "loss in the HNN",
        "in the second-order network",
        "recordings on which the HNN is better",
    )
    return table(columns, rows, numbers=True)


def agents() -> str:
    """Regret of agents that never acted in the real environment before."""
    names = {"sac": "SAC", "shac": "SHAC (gradients through the world)", "ppo": "PPO", "td3": "TD3"}
    best = best_returns()
    regrets = {name: transfer.regrets(measurements("transfer"), agent, best) for agent, name in names.items()}
    control = measurements("free_control").below("learned/200/").values()
    regrets["energy shaping on the learned H, no training"] = [
        float(np.mean(best - np.array(found["returns"]))) for found in control
    ]
    rows = [(name, f"{np.mean(found):.1f}", f"{max(found):.1f}") for name, found in regrets.items()]
    return table(("agent", "mean regret", "worst recording"), rows, numbers=True)


def _better(noise: float, steps: int) -> list[str]:
    """Regret in the HNN, and in the better one of the two networks without physics."""
    ours, *others = _regret(noise, steps, (_HNN, _OTHER, "first-order MLP"))
    return [ours, min(others, key=float)]


def _regret(noise: float, steps: int, worlds: Sequence[str]) -> list[str]:
    found, best = study.cells(measurements("sample_efficiency")), best_returns()
    return [
        f"{np.mean([best - np.array(cell['returns']) for cell in found[noise, steps, name]]):.1f}" for name in worlds
    ]


def _long(noise: float, steps: int) -> list[str]:
    results = measurements("long_task")
    found = long_task.cells(results)[noise, steps]
    return [f"{np.mean(long_task.losses(results, found[name])):z.0f}" for name in (_HNN, _OTHER)]


def _band() -> list[str]:
    ratios = worst_ratios(measurements("pendulum"), "reset(seed=0..19)")
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


TABLES = {
    "readme": readme,
    "few-transitions": few_transitions,
    "noise": noise,
    "weak-motor": weak_motor,
    "agents": agents,
}
"""By name."""
