"""Forward and back over a million steps: ``python -m benchmarks.reversibility --out docs/results/reversibility.json``.

In float64 a leapfrog comes back to within its rounding; on a lattice it comes back to the bit. The learned pendulum
swings at its environment's step, two bodies go round each other in an ellipse.
"""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console

from hnn_gym.command import run
from hnn_gym.dynamics import Dynamics, PortHamiltonian
from hnn_gym.envs.shipped import resolve_world
from hnn_gym.hamiltonians import NBody
from hnn_gym.integrators import Integrator, Lattice, Leapfrog
from hnn_gym.simulate import integrate


@dataclass(frozen=True)
class Settings:
    """Run the learned pendulum and two bodies forward and back, in float64 and on a lattice."""

    out: Path | None = None
    """JSON file for the results; None only prints them."""
    steps: int = 1_000_000
    """Steps forward, and as many back."""


def measure(scheme: Integrator, dynamics: Dynamics, x: np.ndarray, *, dt: float, steps: int) -> dict[str, Any]:
    """How far from its start, and in how many bits, a trajectory comes back; and the largest distance it had."""
    began = time.perf_counter()
    turn = integrate(dynamics, x, integrator=scheme, dt=dt, steps=steps, record_every=steps)[-1]
    back = integrate(dynamics, turn, integrator=scheme, dt=-dt, steps=steps, record_every=steps)[-1]
    seconds = time.perf_counter() - began
    return {
        "largest_difference": float(np.abs(back - x).max()),
        "bits_that_differ": int(np.bitwise_count(back.view(np.uint64) ^ x.view(np.uint64)).sum()),
        "distance_at_the_turn": float(np.abs(turn - x).max()),
        "microseconds_per_step": seconds / (2 * steps) * 1e6,
    }


def _main(settings: Settings) -> None:
    lattice = Lattice()
    systems = {
        "HNNPendulum-v0": (resolve_world("HNNPendulum-v0").dynamics, np.array([2.0, 0.5]), 0.05),
        "two bodies": (PortHamiltonian(NBody()), np.array([-0.5, 0, 0.5, 0, 0.1, -0.6, -0.1, 0.6]), 0.02),
    }
    results: dict[str, Any] = {
        "command": "python -m benchmarks.reversibility --out docs/results/reversibility.json",
        "steps": settings.steps,
    }
    for name, (dynamics, x, dt) in systems.items():
        for scheme in (Leapfrog(), lattice):
            figures = measure(scheme, dynamics, lattice.snap(x), dt=dt, steps=settings.steps)
            results[f"{name}, {type(scheme).__name__}"] = {"dt": dt, **figures}
    Console().print(results)
    if settings.out is not None:
        settings.out.parent.mkdir(parents=True, exist_ok=True)
        settings.out.write_text(json.dumps(results, indent=1) + "\n")


if __name__ == "__main__":
    run(_main, Settings, prog="python -m benchmarks.reversibility")
