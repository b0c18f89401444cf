"""Tables of controllers and planners that act in the real Pendulum-v1."""

from __future__ import annotations

import numpy as np

from experiments.planners import summary
from experiments.tables.sources import best_returns, measurements, table
from hnn_gym.agents.evaluate import paired_regret

_PLANNERS = {
    "MPPI with a value function": "MPPI over 5 steps, then the values of backward induction",
    "backward induction": "backward induction",
    "MPPI": "MPPI over 40 steps",
}


def free_control() -> str:
    """The controller of the learned H, every recording, and the same on the true equations."""
    found = measurements("free_control")
    named = {seed: found[f"learned/200/{seed}"] for seed in found.below("learned/200/")}
    rows = []
    for name, measured in {**named, "true equations instead of a learned world": found["true equations"]}.items():
        returns = np.array(measured["returns"])
        rows.append(
            (
                name,
                f"{measured['upright_within_200_steps']} of {len(returns)}",
                str(measured["upright_in_all_of_the_last_50"]),
                f"{returns.mean():.1f}",
                f"{paired_regret(returns, best_returns()).mean():.1f}",
            )
        )
    columns = ("recording", "upright within 200 steps", "upright in all of the last 50", "mean return", "mean regret")
    return table(columns, rows)


def planners() -> str:
    """What each planner loses by planning in a learned world instead of the true one."""
    found = measurements("planners")
    losses = {(row["planner"], row["world"]): row.get("loss") for row in summary(found, best_returns())}
    rows = []
    for planner, name in _PLANNERS.items():
        cells = [f"{np.mean(found[f'returns/{planner}/true']):.2f}"]
        for transitions in (100, 50):
            loss = losses.get((planner, f"learned from {transitions}"))
            cells += ["not measured"] * 2 if loss is None else [f"{np.mean(loss):.2f}", f"{max(loss):.2f}"]
        rows.append((name, *cells))
    columns = (
        "planner",
        "return with the true dynamics",
        "mean loss, 100 transitions",
        "worst recording",
        "mean loss, 50 transitions",
        "worst recording",
    )
    return table(columns, rows)


TABLES = {"free-control": free_control, "planners": planners}
"""By name."""
