"""One training step: ``python -m benchmarks.training --out docs/results/training_speed.json``.

The HNN of Greydanus et al. 2019 (2 inputs, two hidden layers of 200 tanh units, the loss on its gradient) with that
gradient written out, so that one backward pass trains it, against the same network trained through autograd's gradient,
which is differentiated twice. And the gradient of a long rollout, with and without checkpoints.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks.timing import Row, compared, report, rounds, timed
from hnn_gym.command import run
from hnn_gym.differentiable import rollout
from hnn_gym.envs.shipped import resolve_world
from hnn_gym.models.mlp import MLP, initial_mlp
from hnn_gym.phase import symplectic_gradient

COMMAND = "python -m benchmarks.training --out docs/results/training_speed.json"


@dataclass(frozen=True)
class Settings:
    """Compare the speed of training."""

    out: Path | None = None
    """JSON file for the results; None only prints them."""
    repeats: int = 15
    """Rounds of every comparison."""
    quick: bool = False
    """One round, little work: does it run at all?"""


def step_of_training(gradient: Callable[[MLP, torch.Tensor], torch.Tensor], *, rows: int, hidden: int) -> Any:
    """One step of Adam on the paper's loss, with a way to get the gradient of H."""
    arrays = initial_mlp("h", (2, hidden, hidden, 1), rng=np.random.default_rng(0))
    parameters = {name: torch.tensor(a, dtype=torch.float32, requires_grad=True) for name, a in arrays.items()}
    optimiser = torch.optim.Adam(parameters.values(), lr=1e-3)
    rng = torch.Generator().manual_seed(0)
    x, dx = torch.randn(rows, 2, generator=rng), torch.randn(rows, 2, generator=rng)

    def step() -> None:
        optimiser.zero_grad()
        network = MLP.of(parameters, "h")
        loss = (symplectic_gradient(gradient(network, x)) - dx).square().mean()
        loss.backward()
        optimiser.step()

    return step


def in_closed_form(network: MLP, x: torch.Tensor) -> torch.Tensor:
    """Grad H, written out."""
    gradient: torch.Tensor = network.gradient(x)
    return gradient


def by_autograd(network: MLP, x: torch.Tensor) -> torch.Tensor:
    """Grad H, to be differentiated again."""
    leaf = x.detach().requires_grad_()
    return torch.autograd.grad(network(leaf).sum(), leaf, create_graph=True)[0]


def gradient_of_rollout(run: Callable[..., torch.Tensor], steps: int) -> Callable[[], None]:
    """Gradient of the end of a rollout of 64 pendulums with respect to its actions."""
    x0 = torch.zeros(64, 2, dtype=torch.float64)
    world = resolve_world("HNNPendulum-v0").like(x0)
    actions = torch.zeros(steps, 64, 1, dtype=torch.float64, requires_grad=True)

    def step() -> None:
        torch.autograd.grad(run(world, x0, actions)[-1].square().sum(), actions)

    return step


def _main(settings: Settings) -> None:
    torch.set_num_threads(1)
    count, scale = (1, 10) if settings.quick else (settings.repeats, 1)
    rows: list[Row] = []
    for batch, hidden in ((750, 200), (200, 200), (750, 32)):
        seconds = rounds(
            {
                name: timed(step_of_training(way, rows=batch, hidden=hidden), repeat=20 // scale)
                for name, way in (("closed", in_closed_form), ("autograd", by_autograd))
            },
            count,
        )
        bar = 1.0 if (batch, hidden) == (750, 200) else None
        what = f"training step, {batch} x 2, hidden {hidden}: one backward pass / double"
        rows.append(compared(what, seconds, "closed", "autograd", bar=bar))
    steps = 200 // scale
    seconds = rounds(
        {
            "checkpoints": timed(gradient_of_rollout(rollout, steps), repeat=1),
            "all kept": timed(gradient_of_rollout(lambda w, x, a: w.rollout(x, a), steps), repeat=1),
        },
        min(count, 7),
    )
    what = f"gradient through {steps} steps of 64 pendulums: with checkpoints / all kept"
    rows.append(compared(what, seconds, "checkpoints", "all kept"))
    report(rows, command=COMMAND, out=settings.out)


if __name__ == "__main__":
    run(_main, Settings, prog="python -m benchmarks.training")
