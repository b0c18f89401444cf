"""Forward and back over a million steps: ``python -m benchmarks.reversibility --out docs/results/reversibility.json``.

Learned worlds, leapfrog at a fixed step, from the first ten starts of their environments; from some of them the
pendulum goes over the top. Three ways of adding up the same moves, and one question:

- plain float64;
- compensated, x + low: the pair turns round;
- the same, but with the turning point rounded to float64: what the motion itself makes of one single rounding;
- on a lattice.
"""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from gymnasium.utils import seeding
from rich.console import Console

from hnn_gym.command import run
from hnn_gym.envs.shipped import resolve_world
from hnn_gym.envs.tasks import task_for
from hnn_gym.physics.integrators import Compensated, Integrator, Lattice, Leapfrog
from hnn_gym.physics.simulate import integrate
from hnn_gym.worlds.world_model import WorldModel

_BAR = 1e-8
_WORLDS = {"HNNPendulum-v0": 0.05, "HNNTwoBody-v0": 0.02}
"""Time step in s."""
_BITS = 32
"""Bits of the lattice: a million steps over the top are 4e5 rad, and 2^20 have to fit beside the bits in 52."""


@dataclass(frozen=True)
class Settings:
    """Run the learned pendulum and two bodies forward and back, plainly, with compensated sums and on a lattice."""

    out: Path | None = None
    """JSON file for the results; None only prints them."""
    steps: int = 1_000_000
    """Steps forward, and as many back."""
    starts: int = 10
    """Starts of the environment: reset(seed=0), reset(seed=1), ..."""


def starts_of(world: WorldModel, count: int) -> np.ndarray:
    """The environment's first starts, ``(count, 2n)``."""
    task = task_for(world)
    return np.array([world.phase_point(*task.initial(seeding.np_random(seed)[0], {})) for seed in range(count)])


def figures(x: np.ndarray, turn: np.ndarray, back: np.ndarray, seconds: float, steps: int) -> dict[str, Any]:
    """Distances of the returned trajectories from their starts ``(starts, 2n)``, and the numbers of different bits."""
    difference = np.abs(back - x).max(-1)
    return {
        "difference": difference.tolist(),
        "median": float(np.median(difference)),
        "worst": float(difference.max()),
        "within_the_bar": f"{int((difference <= _BAR).sum())} of {len(x)}",
        "bits_that_differ": int(np.bitwise_count(back.view(np.uint64) ^ x.view(np.uint64)).sum()),
        "least_distance_at_the_turn": float(np.abs(turn - x).max(-1).min()),
        "largest_entry_at_the_turn": float(np.abs(turn).max()),
        "microseconds_per_step": seconds / steps * 1e6,
    }


def measure(world: WorldModel, x: np.ndarray, *, dt: float, steps: int) -> dict[str, Any]:
    """All ways, by name."""

    def legs(scheme: Integrator, start: np.ndarray, direction: int) -> np.ndarray:
        done = integrate(world.dynamics, start, integrator=scheme, dt=direction * dt, steps=steps, record_every=steps)
        end: np.ndarray = done[-1]
        return end

    found, compensated, lattice = {}, Compensated(Leapfrog()), Lattice(Leapfrog(), bits=_BITS)
    began = time.perf_counter()
    turn = legs(Leapfrog(), x, 1)
    back = legs(Leapfrog(), turn, -1)
    found["plain"] = figures(x, turn, back, time.perf_counter() - began, 2 * steps)

    began = time.perf_counter()
    pair = legs(compensated, compensated.pair(x), 1)
    back = legs(compensated, pair, -1)[0]
    found["compensated"] = figures(x, pair[0], back, time.perf_counter() - began, 2 * steps)

    began = time.perf_counter()
    back = legs(compensated, compensated.pair(pair[0]), -1)[0]
    found["compensated, rounded at the turn"] = figures(x, pair[0], back, time.perf_counter() - began, steps)

    began, start = time.perf_counter(), lattice.snap(x)
    turn = legs(lattice, start, 1)
    back = legs(lattice, turn, -1)
    found["lattice"] = figures(start, turn, back, time.perf_counter() - began, 2 * steps)
    return found


def _main(settings: Settings) -> None:
    results: dict[str, Any] = {
        "command": "python -m benchmarks.reversibility --out docs/results/reversibility.json",
        "steps": settings.steps,
        "bar": _BAR,
        "lattice_bits": _BITS,
    }
    for env_id, dt in _WORLDS.items():
        world = resolve_world(env_id)
        results[env_id] = {"dt": dt, **measure(world, starts_of(world, settings.starts), dt=dt, steps=settings.steps)}
        Console().print(env_id, results[env_id])
        if settings.out is not None:  # after each, for it takes three quarters of an hour
            settings.out.parent.mkdir(parents=True, exist_ok=True)
            settings.out.write_text(json.dumps(results, indent=1) + "\n")


if __name__ == "__main__":
    run(_main, Settings, prog="python -m benchmarks.reversibility")
