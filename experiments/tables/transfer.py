"""Tables of agents that were trained in learned worlds alone."""

from __future__ import annotations

import numpy as np

from experiments.tables.sources import best_returns, measurements, table
from experiments.transfer import regrets
from hnn_gym.studies import Results

_AGENTS = {
    "sac": "SAC, 48,000 steps",
    "td3": "TD3, 48,000 steps",
    "ppo": "PPO, 1,000,000 steps",
    "shac": "SHAC, 1,200 windows of 128 copies",
}
_TASKS = {
    "Spring-v0": "hold an energy, `HNNSpring-v0` -> `Spring-v0`",
    "TwoBody-v0": "orbit transfer, `HNNTwoBody-v0` -> `TwoBody-v0`",
    "bump": "swing-up by bumps of up to 0.3 J, `HNNPendulum-v0` -> `Pendulum-v1`, granted at once in training",
    "bump-by-force": "the same, realised by bounded force in training too",
}


def pendulum() -> str:
    """Real returns in Pendulum-v1 of one agent of each kind from each recording."""
    found = measurements("transfer")
    rows = []
    for agent, name in _AGENTS.items():
        entries = found.below(f"pendulum/{agent}/").values()
        regret = regrets(found, agent, best_returns())
        seconds = [entry["training"]["cpu_s"] for entry in entries]
        rows.append(
            (
                name,
                ", ".join(f"{entry['mean']:.1f}" for entry in entries),
                f"{np.mean(regret):.1f}",
                f"{max(regret):.1f}",
                f"{min(seconds):.0f} to {max(seconds):.0f}",
            )
        )
    columns = ("agent", "mean return, recordings 0 to 4", "mean regret", "worst recording")
    return table((*columns, "training, CPU s on one thread"), rows)


def other_tasks() -> str:
    """Real returns in other tasks."""
    found = measurements("transfer")
    ways = {
        "nothing": "doing nothing",
        "dream": "trained in the learned world",
        "true": "trained in the true environment",
    }
    rows = [(name, *(_mean(found, f"other-tasks/{task}/{way}") for way in ways)) for task, name in _TASKS.items()]
    return table(("task", *ways.values()), rows)


def _mean(found: Results, key: str) -> str:
    return f"{found[key]['mean']:.1f}"


TABLES = {"transfer-pendulum": pendulum, "transfer-tasks": other_tasks}
"""By name."""
