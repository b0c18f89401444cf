"""One training step: ``python -m benchmarks.training --out docs/results/training_speed.json``.

The HNN of Greydanus et al. 2019 (2 inputs, two hidden layers of 200 tanh units, the loss on its gradient) with that
gradient written out, so that one backward pass trains it, against the same network trained through autograd's gradient,
which is differentiated twice. The gradient of a long rollout, with and without checkpoints. And the derivatives of
multiple shooting, step by step and in forward mode.

With ``--device cuda`` all of this runs on a GPU, and steps of a fit there are compared with the same on the CPU, over
few windows and over many. Use another file for the results then.
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
from hnn_gym.envs.shipped import resolve_world
from hnn_gym.models.mlp import MLP, initial_mlp
from hnn_gym.physics.phase import symplectic_gradient
from hnn_gym.training import FitSettings, Objective
from hnn_gym.training.least_squares import Problem
from hnn_gym.training.windows import TrainingWindows
from hnn_gym.worlds.devices import checked_device
from hnn_gym.worlds.differentiable import rollout

COMMAND = "python -m benchmarks.training --out docs/results/training_speed.json"


@dataclass(frozen=True)
class Settings:
    """Compare the speed of training."""

    out: Path | None = None
    """JSON file for the results; None only prints them."""
    repeats: int = 15
    """Rounds of every comparison."""
    device: str = "cpu"
    """cpu or cuda: where to train."""
    quick: bool = False
    """Run one round with little work, to check that everything runs."""


def step_of_training(
    gradient: Callable[[MLP, torch.Tensor], torch.Tensor], *, rows: int, hidden: int, device: torch.device
) -> Callable[[], None]:
    """One step of Adam on the paper's loss, with the given function for the gradient of H."""
    arrays = initial_mlp("h", (2, hidden, hidden, 1), rng=np.random.default_rng(0))
    kind: dict[str, Any] = {"dtype": torch.float32, "device": device}
    parameters = {name: torch.tensor(a, **kind, requires_grad=True) for name, a in arrays.items()}
    optimiser = torch.optim.Adam(parameters.values(), lr=1e-3)
    rng = torch.Generator().manual_seed(0)
    x, dx = (torch.randn(rows, 2, generator=rng).to(device) for _ in range(2))

    def step() -> None:
        optimiser.zero_grad()
        network = MLP.of(parameters, "h")
        loss = (symplectic_gradient(gradient(network, x)) - dx).square().mean()
        loss.backward()
        optimiser.step()
        finish(device)

    return step


def in_closed_form(network: MLP, x: torch.Tensor) -> torch.Tensor:
    """Grad H, written out."""
    gradient: torch.Tensor = network.gradient(x)
    return gradient


def by_autograd(network: MLP, x: torch.Tensor) -> torch.Tensor:
    """Grad H, to be differentiated again."""
    leaf = x.detach().requires_grad_()
    return torch.autograd.grad(network(leaf).sum(), leaf, create_graph=True)[0]


def gradient_of_rollout(run: Callable[..., torch.Tensor], steps: int, *, device: torch.device) -> Callable[[], None]:
    """Gradient of the end of a rollout of 64 pendulums with respect to its actions."""
    x0 = torch.zeros(64, 2, dtype=torch.float64, device=device)
    world = resolve_world("HNNPendulum-v0").like(x0)
    actions = torch.zeros(steps, 64, 1, dtype=torch.float64, device=device, requires_grad=True)

    def step() -> None:
        torch.autograd.grad(run(world, x0, actions)[-1].square().sum(), actions)
        finish(device)

    return step


def objective_of(windows: int, settings: FitSettings, device: torch.device) -> Objective:
    """The objective of a fit to windows of a shipped world."""
    world, rng, steps = resolve_world("HNNPendulum-v0"), np.random.default_rng(0), settings.horizon
    assert world.architecture is not None
    starts = world.phase_point(rng.uniform(-np.pi, np.pi, (windows, 1)), rng.uniform(-1, 1, (windows, 1)))
    action = rng.uniform(-2, 2, (steps, windows, 1))
    return Objective(
        world.architecture,
        world.coordinates,
        TrainingWindows.of(
            world.decode(world.rollout(starts, action)).swapaxes(0, 1),
            action.swapaxes(0, 1),
            coordinates=world.coordinates,
            dt=world.dt,
        ),
        integrator=world.integrator,
        dt=world.dt,
        settings=settings,
        device=device,
    )


def gradient_of_fit(windows: int, *, steps: int, device: torch.device) -> Callable[[], None]:
    """Loss of a fit, and its gradient: what a step of Adam or L-BFGS costs."""
    objective = objective_of(windows, FitSettings(horizon=steps), device)
    drawn = objective.initial_parameters()
    parameters = {name: torch.tensor(a, device=device, requires_grad=True) for name, a in drawn.items()}

    def step() -> None:
        torch.autograd.grad(objective(parameters)[0], list(parameters.values()))
        finish(device)

    return step


def derivatives_of_shooting(windows: int, *, steps: int) -> dict[str, Callable[[], object]]:
    """All derivatives of multiple shooting, two ways: what a step of Levenberg-Marquardt costs."""
    objective = objective_of(windows, FitSettings(loss="shooting", horizon=steps, decay=1e-6), torch.device("cpu"))
    (residual,), (linearised,) = objective.residuals_by_member(), objective.linearised_by_member()
    assert linearised is not None
    problem = Problem(residual, objective.initial_parameters(), local=objective.local)
    at = problem.theta, problem.own
    return {
        "step by step": lambda: linearised(problem.named(*at)),
        "forward mode": lambda: problem.linearised(*at),
    }


def finish(device: torch.device) -> None:
    """Wait for a GPU, as a fit does after every step to look at the loss."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def _main(settings: Settings) -> None:
    device, cpu = checked_device(settings.device), torch.device("cpu")
    torch.set_num_threads(1)
    count, scale = (1, 10) if settings.quick else (settings.repeats, 1)
    rows: list[Row] = []
    for batch, hidden in ((750, 200), (200, 200), (750, 32)):
        seconds = rounds(
            {
                name: timed(step_of_training(way, rows=batch, hidden=hidden, device=device), repeat=20 // scale)
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
            name: timed(gradient_of_rollout(way, steps, device=device), repeat=1)
            for name, way in (("checkpoints", rollout), ("all kept", lambda w, x, a: w.rollout(x, a)))
        },
        min(count, 7),
    )
    what = f"gradient through {steps} steps of 64 pendulums: with checkpoints / all kept"
    rows.append(compared(what, seconds, "checkpoints", "all kept"))
    for windows, steps in ((40, 10), (4, 100), (2, 200)):
        ways = derivatives_of_shooting(windows, steps=steps // scale)
        seconds = rounds({name: timed(way, repeat=1) for name, way in ways.items()}, min(count, 7))
        what = f"derivatives of {windows} windows of {steps // scale} steps: step by step / forward mode"
        rows.append(compared(what, seconds, "step by step", "forward mode"))
    if device.type != "cpu":
        for windows, steps in ((200, 1), (200, 20), (20_000 // scale, 20)):
            contestants = {
                place.type: timed(gradient_of_fit(windows, steps=steps, device=place), repeat=2)
                for place in (device, cpu)
            }
            what = f"gradient of a fit, {windows} windows of {steps} steps: {device.type} / cpu"
            rows.append(compared(what, rounds(contestants, count), device.type, cpu.type))
    on_it = f"{COMMAND.removesuffix('.json')}_{device.type}.json --device {device}"
    report(rows, command=COMMAND if device.type == "cpu" else on_it, out=settings.out)


if __name__ == "__main__":
    run(_main, Settings, prog="python -m benchmarks.training")
