"""Worlds in a browser and in ONNX: ``python -m benchmarks.pages --out docs/results/pages.json``.

For every shipped world: the size of its page; the largest difference between its steps in JavaScript, run by Node.js,
and in Python, free and pushed at random; and that of one step in onnxruntime. For the pendulum also the range of the
true energy over many free steps of the learned map and of the real one, in JavaScript.
"""

from __future__ import annotations

import json
import subprocess
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from rich.console import Console

from benchmarks.timing import machine
from hnn_gym.command import run
from hnn_gym.envs.build import build_simulator
from hnn_gym.envs.core import Simulator
from hnn_gym.envs.shipped import WEIGHTS
from hnn_gym.page import world_page
from hnn_gym.page.description import largest_forces
from hnn_gym.page.programs import world_programs
from hnn_gym.trace import javascript_code, scalar_code

COMMAND = "python -m benchmarks.pages --out docs/results/pages.json"
STEPS, EARLY = 1_000, 100
_STARTS = 5


@dataclass(frozen=True)
class Settings:
    """Compare the pages and ONNX files of all shipped worlds with Python."""

    out: Path | None = None
    """JSON file for the results; None only prints them."""
    energy_steps: int = 1_000_000
    """Free steps of the pendulum's energy."""


def measure(name: str) -> dict[str, Any]:
    """Size of the page and differences of a world."""
    simulator = build_simulator(name)
    rng = np.random.default_rng(0)
    largest = np.array(largest_forces(simulator))
    forces = rng.uniform(-1, 1, (STEPS, len(largest))) * largest
    found = {"bytes": len(world_page(name).encode())}
    for kind, given in (("free", 0 * forces), ("pushed", forces)):
        differences = in_javascript(simulator, given)
        found[kind] = {str(steps): float(differences[:steps].max()) for steps in (EARLY, STEPS)}
    return found | {"onnx": {dtype: in_onnx(simulator, dtype) for dtype in ("float64", "float32")}}


def in_javascript(simulator: Simulator, forces: np.ndarray) -> np.ndarray:
    """Largest difference of the phase point after every step ``(steps,)``; infinite where it is not finite."""
    world, program = simulator.world, world_programs(simulator.world)["step"]
    x = start = world.phase_point(*simulator.task.initial(np.random.default_rng(0), {})).tolist()
    step, here = scalar_code.compiled(program, {}), []
    for force in forces.tolist():
        x = step(x, force)[0].tolist()
        here.append(x)
    code = f"""let x = {start};
    const w = {javascript_code.source({"step": program})};
    console.log(JSON.stringify({forces.tolist()}.map((u) => Array.from(x = w.step(x, u).x))));"""
    there = json.loads(_node(code))
    return np.nan_to_num(abs(np.array(there, np.float64) - np.array(here)).max(axis=1), nan=np.inf)


def in_onnx(simulator: Simulator, dtype: str) -> float:
    """Largest difference of a step in onnxruntime, as a share of the largest entry of the output, at least 1."""
    import onnxruntime

    world, rng = simulator.world, np.random.default_rng(0)
    starts = [simulator.task.initial(rng, {}) for _ in range(_STARTS)]
    q, v = (np.array(part) for part in zip(*starts, strict=True))
    scales = np.array([control.scale for control in world.coordinates.controls])
    action = rng.uniform(-1, 1, (_STARTS, len(scales))) * largest_forces(simulator) / scales
    inputs = {"state": np.concatenate([q, v], axis=-1), "action": action, "dt": np.full((_STARTS, 1), world.dt)}
    with TemporaryDirectory() as folder:
        path = Path(folder, "world.onnx")
        world.export_onnx(path, dtype=dtype)
        session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    (state,) = session.run(["next_state"], {name: value.astype(dtype) for name, value in inputs.items()})
    expected = np.concatenate(world.state(world.step(world.phase_point(q, v), action)), axis=-1)
    return float(abs(state - expected).max() / max(1.0, abs(expected).max()))


def energy(steps: int) -> dict[str, float]:
    """Ranges of the true energy in J along free motions of the learned pendulum and of the real map, in JavaScript."""
    simulator = build_simulator("HNNPendulum-v0")
    assert simulator.truth is not None
    learned, real = (javascript_code.source(world_programs(world)) for world in (simulator.world, simulator.truth))
    code = f"""const maps = [{learned}, {real}];
    console.log(JSON.stringify(maps.map((map) => {{
      let {{ x }} = map.point([2.5], [0]), low = Infinity, high = -Infinity;
      for (let k = 0; k < {steps}; k += 1) {{
        x = map.step(x, [0]).x;
        const {{ q, v }} = map.state(x), {{ energy }} = maps[1].energy(maps[1].point(q, v).x);
        low = Math.min(low, energy);
        high = Math.max(high, energy);
      }}
      return high - low;
    }})));"""
    ours, theirs = json.loads(_node(code))
    return {"steps": steps, "learned": ours, "real": theirs, "ratio": ours / theirs}


def _node(code: str) -> str:
    return subprocess.run(["node", "-"], input=code, capture_output=True, text=True, check=True).stdout


def _main(settings: Settings) -> None:
    console = Console()
    worlds = {}
    for name in sorted(path.parent.name for path in WEIGHTS.glob("*/world.json")):
        worlds[name] = measure(name)
        console.print(name, worlds[name])
    results = {"command": COMMAND, "worlds": worlds, "energy": energy(settings.energy_steps), "machine": machine()}
    console.print(results["energy"])
    if settings.out is not None:
        settings.out.write_text(json.dumps(results, indent=1) + "\n")


if __name__ == "__main__":
    run(_main, Settings, prog="python -m benchmarks.pages")
