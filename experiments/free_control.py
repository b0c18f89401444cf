"""Control for free: ``python -m experiments.free_control``.

The real Pendulum-v1, swung up and balanced by :class:`hnn_gym.agents.swing_up.SwingUp` on worlds learned from 200 real
random-torque transitions: energy shaping and a Riccati equation on the learned H, no reinforcement learning. Beside
it the same controller on the true equations. The controller's two numbers, ``band`` and ``basin``, were chosen in the
dream, in a world learned from recording 100, from the starts 1000 to 1099; they make little difference there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import torch
from rich.console import Console

from experiments.optimum import STARTS, best_returns
from hnn_gym.agents.evaluate import paired_regret, play_episodes
from hnn_gym.agents.swing_up import SwingUp
from hnn_gym.command import run
from hnn_gym.data import record_steps
from hnn_gym.studies import Executing, Execution, Results, run_cells
from hnn_gym.systems import true_world
from hnn_gym.training import train_world
from hnn_gym.worlds.world_model import WorldModel

_UPRIGHT_RAD, _UPRIGHT_RAD_PER_S = 0.2, 1.0


@dataclass(frozen=True)
class Settings:
    """Swing up the real pendulum from the learned H alone."""

    out: Path | None = Path("docs/results/free_control.json")
    """JSON file; results in it are not measured again. None: keep nothing."""
    optimum: Path = Path("docs/results/optimum.json")
    """JSON file of the best returns."""
    transitions: int = 200
    """Real transitions to learn from."""
    seeds: tuple[int, ...] = (0, 1, 2, 3, 4)
    """Seeds of the recordings."""
    execution: Executing = field(default_factory=Execution)


def measure(world: WorldModel, *, starts: Sequence[int]) -> dict[str, Any]:
    """Returns on the real Pendulum-v1, and the numbers of starts that get upright, and stay, within 200 steps."""
    agent = SwingUp(world, position=np.zeros(1))
    episodes = play_episodes(agent, "Pendulum-v1", seeds=starts)
    seen = episodes.observation[:-1]
    upright = (seen[..., 0] > np.cos(_UPRIGHT_RAD)) & (np.abs(seen[..., 2]) < _UPRIGHT_RAD_PER_S)
    came = upright.any(0)
    first = upright.argmax(0)[came]
    return {
        "upright_within_200_steps": int(came.sum()),
        "upright_in_all_of_the_last_50": int(upright[-50:].all(0).sum()),
        "steps_to_upright_median": float(np.median(first)) if came.any() else None,
        "steps_to_upright_worst": int(first.max()) if came.all() else None,
        "returns": episodes.returns.round(4).tolist(),
    }


def _learned(settings: Settings, seed: int) -> dict[str, Any]:
    world = train_world(
        record_steps(gymnasium.make("Pendulum-v1"), steps=settings.transitions, seed=seed), "mechanical"
    )
    return measure(world, starts=STARTS)


def _main(settings: Settings) -> None:
    torch.set_num_threads(1)
    results, console = Results(settings.out, command="python -m experiments.free_control"), Console()
    best = best_returns(settings.optimum)
    rows = {f"learned/{settings.transitions}/{seed}": partial(_learned, settings, seed) for seed in settings.seeds} | {
        "true equations": partial(measure, true_world("Pendulum-v1"), starts=STARTS)
    }
    with settings.execution.opened() as executor:
        run_cells(results, rows, executor=executor, console=console)
    for row in rows:
        result = results[row]
        regret = paired_regret(np.array(result["returns"]), best).mean()
        console.print(row, {k: v for k, v in result.items() if k != "returns"}, f"mean regret {regret:.2f}")


if __name__ == "__main__":
    run(_main, Settings, prog="python -m experiments.free_control")
