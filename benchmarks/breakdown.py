"""Where a step's time goes: ``python -m benchmarks.breakdown --out docs/results/step_breakdown.json``.

1,024 copies of the learned pendulum in float64. The parts of the step are compiled as the step itself is and run alone;
what is around them is the difference to the whole. The contestants take turns, and of each the lower quartile counts, a
turn that nothing else on the machine has interrupted.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

from benchmarks.throughput import OURS, bare, batches, roofline, vector
from benchmarks.timing import machine, rounds, timed
from hnn_gym.command import run
from hnn_gym.envs.compiling import AT_START, program_of
from hnn_gym.envs.core import Simulator
from hnn_gym.physics.phase import Array, namespace
from hnn_gym.trace import Program, batch_code, trace

COMMAND = "python -m benchmarks.breakdown --out docs/results/step_breakdown.json"
COPIES = 1024
_CALLS = 10
"""Of a contestant, before it is the next one's turn: short, so that few are interrupted."""


@dataclass(frozen=True)
class Settings:
    """Tell where the microseconds of a step go."""

    out: Path | None = None
    """JSON file for the results; None only prints them."""
    repeats: int = 400
    """Rounds."""


def alone(program: Program) -> Callable[[], float]:
    """A program run on rows of ones, again and again."""
    run = batch_code.compiled(program, COPIES, np.float64)
    inputs = [np.ones((COPIES, size), order="F") for size in program.inputs.values()]
    outputs = [np.empty((COPIES, *e.shape), order="F") for e in program.outputs.values()]
    given = [np.ones_like(array) for array in batch_code.allocate((*program.given, *program.next), COPIES, np.float64)]
    return timed(lambda: run(*inputs, *given, *outputs), repeat=_CALLS)


def parts(simulator: Simulator) -> dict[str, Callable[[], float]]:
    """The two programs of a step, and what of them is the network, and cosine and sine."""
    network = simulator.world.dynamics.hamiltonian.potential_network.network  # type: ignore[union-attr]
    made = program_of(simulator)
    assert made is not None
    whole = made.program
    starts = [name for name in whole.outputs if name.startswith(AT_START)]
    told = {name.removeprefix(AT_START) for name in starts}
    move, tell = whole.select_outputs(name for name in whole.outputs if name not in told).split_at("x", starts)

    def circle(x: Array) -> dict[str, Array]:
        return {"cos": namespace(x).cos(x), "sin": namespace(x).sin(x)}

    return {
        "network": alone(trace(lambda z: {"gradient": network.gradient(z), "value": network(z)}, z=2)),
        "circle": alone(trace(circle, x=1)),
        "move": alone(move),
        "tell": alone(tell),
    }


def instead() -> dict[str, Callable[[], float]]:
    """What two parts would take otherwise: cosine and sine one by one, and a product with two columns at once."""
    rng = np.random.default_rng(0)
    angle, out = rng.normal(size=COPIES), np.empty(COPIES)
    layer, columns, two = rng.normal(size=(32, COPIES)), rng.normal(size=(2, 32)), np.empty((2, COPIES))
    return {
        "cosine and sine one by one": timed(lambda: (np.cos(angle, out), np.sin(angle, out)), repeat=_CALLS),
        "a product with two columns, at once": timed(lambda: np.matmul(columns, layer, two), repeat=_CALLS),
        "a product with two columns, one by one": timed(
            lambda: [np.dot(row, layer, to) for row, to in zip(columns, two, strict=True)], repeat=_CALLS
        ),
    }


def _main(settings: Settings) -> None:
    envs = vector(COPIES)
    seconds = rounds(
        {
            "roofline": roofline(envs, _CALLS),
            **parts(envs.batch.simulator),
            **instead(),
            "middle": bare(COPIES, _CALLS, resets=False),
            "whole": batches(vector(COPIES), _CALLS),
        },
        settings.repeats,
    )
    took = {name: float(np.quantile(values, 0.25)) * 1e6 for name, values in seconds.items()}
    for name in ("roofline", "middle", "whole"):
        took[name] *= COPIES  # these were counted by the copy
    computed = took["move"] + took["tell"]
    rows: dict[str, float] = {
        "the network: its gradient with biases, and its value for the energy": took["network"],
        "cosine and sine": took["circle"],
        "the rest of the physics, reward, observation and energy": computed - took["network"] - took["circle"],
        "checks, fresh arrays, truncation": took["middle"] - computed,
        "beginning episodes, infos": took["whole"] - took["middle"],
        "the whole step": took["whole"],
        "the roofline": took["roofline"],
    }
    rows |= {name: took[name] for name in instead()}
    rows = {what: round(value, 1) for what, value in rows.items()}
    table = Table("what", "microseconds", title=f"{COMMAND}: {COPIES:,} copies of {OURS}")
    for what, value in rows.items():
        table.add_row(what, f"{value:.1f}")
    Console(width=120).print(table)
    if settings.out is not None:
        settings.out.parent.mkdir(parents=True, exist_ok=True)
        content = {"command": COMMAND, "machine": machine(), "microseconds": rows}
        settings.out.write_text(json.dumps(content, indent=1) + "\n")


if __name__ == "__main__":
    run(_main, Settings, prog="python -m benchmarks.breakdown")
