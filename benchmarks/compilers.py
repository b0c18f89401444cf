"""The tracer's batch code against JAX, Numba and torch.compile: ``python -m benchmarks.compilers``.

Every compiler gets the same traced step of a shipped world, with the values that one step passes on to the next, and
runs it on one CPU core in float64. They take turns, and the median of the turns counts. The command skips compilers
that are not installed, with a message.
"""

from __future__ import annotations

import importlib
import importlib.metadata
import importlib.util
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

from benchmarks.printers import array_code, loop_code
from benchmarks.timing import machine, rounds, timed
from hnn_gym.command import run
from hnn_gym.envs.build import build_simulator
from hnn_gym.envs.compiling import AT_START, program_of
from hnn_gym.envs.core import Simulator
from hnn_gym.envs.stepping import Outcome, reference_step
from hnn_gym.envs.stepping_numpy import Steps
from hnn_gym.trace import Program, batch_code

COMMAND = "python -m benchmarks.compilers --out docs/results/compilers.json"
WORLDS = ("HNNPendulum-v0", "HNNSpring-v0", "HNNTwoBody-v0", "HNNThreeBody-v0")
BATCHES = (64, 1024, 16384)
PACKAGES = {
    "trace": (),
    "numpy": (),
    "jax": ("jax", "jaxlib", "ml_dtypes", "opt_einsum"),
    "numba": ("numba", "llvmlite"),
    "torch.compile": (),
}
"""What each contestant installs beyond this project's own dependencies, which include torch."""

Values = dict[str, np.ndarray]
Step = Callable[[], Values]


@dataclass(frozen=True)
class Settings:
    """Compare the compilers of a batched step."""

    out: Path | None = None
    """JSON file for the results; None only prints them."""
    repeats: int = 20
    """Rounds of every comparison."""
    seconds: float = 0.02
    """How long each contestant runs in a round."""
    worlds: tuple[str, ...] = WORLDS
    """Ids of the worlds to step."""
    batches: tuple[int, ...] = BATCHES
    """Numbers of states to step at once."""
    only: tuple[str, ...] = tuple(PACKAGES)
    """The contestants."""
    quick: bool = False
    """One round of one small batch: does it run at all?"""


IMPORTS = {"jax": "jax.numpy", "numba": "numba", "torch.compile": "torch._inductor.compile_fx"}
"""What a contestant loads before it can compile; it is timed by itself."""


def missing(name: str) -> str | None:
    """Return the first package of a contestant that is not installed, or None if all are."""
    lacking = [package for package in PACKAGES[name] if importlib.util.find_spec(package) is None]
    return lacking[0] if lacking else None


def installed_megabytes(name: str) -> float:
    """Size of the files that a contestant installs beyond this project's own dependencies, in MB."""
    files = [f for package in PACKAGES[name] for f in importlib.metadata.files(package) or ()]
    return sum(path.stat().st_size for path in {Path(str(f.locate())) for f in files} if path.exists()) / 1e6


def import_seconds(module: str) -> float:
    """CPU time of importing a module, once its files have been read before."""
    code = f"import time, torch; a = time.process_time(); import {module}; print(time.process_time() - a)"
    taken = [subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True) for _ in range(2)]
    return float(taken[-1].stdout)


@contextmanager
def one_core() -> Iterator[None]:
    """Keep this process on one core, however many threads a library starts, where the system can."""
    if not hasattr(os, "sched_setaffinity"):
        yield
        return
    allowed = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {max(allowed)})
    try:
        yield
    finally:
        os.sched_setaffinity(0, allowed)


@dataclass(frozen=True)
class Case:
    """A world and the states to step.

    Attributes:
        simulator: the world with its task.
        program: the whole step, with the values that it passes on to the next step.
        x: phase points ``(rows, 2n)``.
        actions: ``(rows, k)``.
        given: values of the given nodes, ``(rows,)`` or ``(lead, width, rows)``.
    """

    simulator: Simulator
    program: Program
    x: np.ndarray
    actions: np.ndarray
    given: list[np.ndarray]

    def laid_out(self, *, rows_first: bool) -> list[np.ndarray]:
        """The given values with layers ``(lead, rows, width)`` or ``(lead, width, rows)``."""
        return [np.ascontiguousarray(np.swapaxes(g, -1, -2)) if rows_first and g.ndim > 1 else g for g in self.given]

    @classmethod
    def of(cls, env_id: str, rows: int) -> Case:
        """States from which episodes begin, and random actions."""
        simulator = build_simulator(env_id)
        program = traced(simulator)
        rng = np.random.default_rng(0)
        starts = [simulator.world.phase_point(*simulator.task.initial(rng, {})) for _ in range(rows)]
        space = simulator.channel.space(simulator.task)
        actions = rng.uniform(space.low, space.high, (rows, *(space.shape or (0,))))
        x = np.asfortranarray(np.stack(starts))
        given = batch_code.allocate(program.given, rows, np.float64)
        first = Program(program.inputs, {}, next=program.given)
        batch_code.compiled(first, rows, np.float64)(x, actions, *given)
        whole = [g.reshape(*n.shape, rows) if n.shape else g for g, n in zip(given, program.given, strict=True)]
        return cls(simulator, program, x, actions, whole)


def traced(simulator: Simulator) -> Program:
    """Trace the whole step of a simulator."""
    made = program_of(simulator)
    assert made is not None
    names = [name for name in made.program.outputs if not name.startswith(AT_START)]
    return made.program.select_outputs(names).reusing("x")


def plain_numpy(case: Case) -> Step:
    """The function that is traced, on NumPy arrays."""
    return lambda: _values(reference_step(case.simulator, case.x, case.actions))


def ours(case: Case) -> Step:
    """The step as the vector environments run it."""
    steps = Steps(case.simulator, len(case.x), np.float64)
    steps.begin(case.x, np.arange(len(case.x)))
    return lambda: _values(steps(case.x, case.actions))


def jax(case: Case, *, rows_first: bool) -> Step:
    """XLA's code of the printed step."""
    import jax.numpy as jnp
    from jax import config, jit

    config.update("jax_enable_x64", True)
    step = jit(array_code(traced(case.simulator), jnp, jnp.asarray, rows_first=rows_first))
    x, given = jnp.asarray(case.x), [jnp.asarray(g) for g in case.laid_out(rows_first=rows_first)]

    def run() -> Values:
        outputs, _ = step(x, case.actions, *given)
        return {name: np.asarray(value) for name, value in zip(case.program.outputs, outputs, strict=True)}

    return run


def torch_compile(case: Case) -> Step:
    """The C++ code that torch.compile makes of the printed step.

    With layers ``(lead, width, rows)`` torch 2.13 compiles wrong code for two bodies, which :func:`difference` finds.
    """
    import array_api_compat.torch as xp
    import torch

    torch.compiler.reset()  # otherwise code of earlier cases is found again, and costs nothing
    printed = array_code(traced(case.simulator), xp, torch.from_numpy, rows_first=True)
    step = torch.compile(printed, dynamic=False)
    x, given = torch.from_numpy(case.x), [torch.from_numpy(g) for g in case.laid_out(rows_first=True)]

    @torch.no_grad()
    def run() -> Values:
        outputs, _ = step(x, torch.from_numpy(case.actions), *given)
        return {name: value.numpy() for name, value in zip(case.program.outputs, outputs, strict=True)}

    return run


def numba(case: Case) -> Step:
    """LLVM's code of the printed step, state by state."""
    from numba import njit

    program, rows = traced(case.simulator), len(case.x)
    step = njit(loop_code(program))
    after = [np.empty_like(g) for g in case.given]

    def run() -> Values:
        values = {name: _empty(name, rows, entries) for name, entries in program.outputs.items()}
        step(case.x, case.actions, *case.given, *after, *values.values())
        return values

    return run


CONTESTANTS: dict[str, tuple[Callable[[Case], Step], ...]] = {
    "trace": (ours,),
    "numpy": (plain_numpy,),
    "jax": (partial(jax, rows_first=False), partial(jax, rows_first=True)),
    "numba": (numba,),
    "torch.compile": (torch_compile,),
}
"""The ways to compile a step; where there are several, the fastest for the case is the one that counts."""


def _empty(name: str, rows: int, entries: np.ndarray) -> np.ndarray:
    boolean = bool(entries.size) and all(isinstance(e, bool) or getattr(e, "boolean", False) for e in entries.flat)
    dtype = np.float32 if name == "observation" else np.bool_ if boolean else np.float64
    return np.empty((rows, *entries.shape), dtype)


def _values(outcome: Outcome) -> Values:
    fields = outcome._asdict()
    return {**fields.pop("info"), **fields}


def difference(found: Values, expected: Values) -> float:
    """Largest difference of two results, in units of machine epsilon, relative to max(1, abs(value)).

    Observations are left out, since they are x rounded to float32, and truth values have to be equal.
    """
    worst = 0.0
    for name, value in expected.items():
        if value.dtype == np.bool_:
            assert (found[name] == value).all(), f"{name} differs"
        elif name != "observation" and value.size:
            off = abs(found[name] - value) / np.maximum(1.0, abs(value))
            worst = max(worst, float(off.max() / np.finfo(np.float64).eps))
    return worst


def measure(env_id: str, rows: int, settings: Settings) -> dict[str, dict[str, float]]:
    """Steps/s, seconds to compile and difference from plain NumPy, by contestant."""
    case = Case.of(env_id, rows)
    expected = plain_numpy(case)()
    found: dict[str, dict[str, float]] = {}
    turns: dict[str, Callable[[], float]] = {}
    for name in settings.only:
        if name in IMPORTS:
            importlib.import_module(IMPORTS[name])
        best = np.inf
        for make in CONTESTANTS[name]:
            with tempfile.TemporaryDirectory() as folder:  # torch finds code of earlier cases in its own
                os.environ["TORCHINDUCTOR_CACHE_DIR"] = folder
                began = time.perf_counter()
                step = make(case)
                first = step()
                compiled = time.perf_counter() - began
            once = min(timed(step, repeat=3)() for _ in range(10))
            if once < best:
                best = once
                found[name] = {"seconds_to_first_step": compiled, "difference_in_eps": difference(first, expected)}
                turns[name] = timed(step, repeat=max(1, int(settings.seconds / once)), units=rows)
    for name, seconds in rounds(turns, 1 if settings.quick else settings.repeats).items():
        found[name]["steps_per_second"] = 1 / statistics.median(seconds)
    return found


def _main(settings: Settings) -> None:
    lacking = {name: package for name in settings.only if (package := missing(name))}
    for name, package in lacking.items():
        print(f"{name} is skipped: install {package} to compare with it.")
    only = tuple(name for name in settings.only if name not in lacking)
    worlds, batches = (settings.worlds[:1], (64,)) if settings.quick else (settings.worlds, settings.batches)
    settings = Settings(**vars(settings) | {"only": only})
    imported = {name: round(import_seconds(IMPORTS[name]), 2) for name in only if name in IMPORTS}
    with one_core():
        results = {env_id: {str(rows): measure(env_id, rows, settings) for rows in batches} for env_id in worlds}
    table = Table("world", "states", "compiler", "steps/s", "to the first step", "difference", title=COMMAND)
    for env_id, by_rows in results.items():
        for rows, by_name in by_rows.items():
            for name, row in by_name.items():
                speed = f"{row['steps_per_second']:,.4g}"
                table.add_row(
                    *(env_id, rows, name, speed, f"{row['seconds_to_first_step']:.2f} s"),
                    f"{row['difference_in_eps']:.2g} eps",
                )
    Console(width=130).print(table)
    megabytes = {name: round(installed_megabytes(name), 1) for name in only}
    print("MB installed beyond our own dependencies:", megabytes)
    print("CPU seconds to import beyond torch:", imported)
    if settings.out is not None:
        versions = {p: importlib.metadata.version(p) for name in only for p in PACKAGES[name]}
        content = {"command": COMMAND, "machine": machine() | {"versions": versions}}
        content |= {"megabytes": megabytes, "import_seconds": imported, "worlds": results}
        settings.out.parent.mkdir(parents=True, exist_ok=True)
        settings.out.write_text(json.dumps(content, indent=1) + "\n")


if __name__ == "__main__":
    run(_main, Settings, prog="python -m benchmarks.compilers")
