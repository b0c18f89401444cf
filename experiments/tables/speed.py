"""Tables of speed, from one run of each benchmark."""

from __future__ import annotations

from typing import Any

from benchmarks.import_time import STATEMENTS
from experiments.tables.sources import rate, report, table

_OTHERS = {
    "one environment, random actions": ('`gymnasium.make("HNNPendulum-v0")`, random actions', "`Pendulum-v1`"),
    "1,024 environments / SyncVectorEnv of 64": (
        '`make_vec("HNNPendulum-v0", 1024)`',
        "`SyncVectorEnv` of 64 `Pendulum-v1`",
    ),
    "1,024 environments / roofline": ("the same", "its roofline"),
    "the same, no episode beginning or ending / roofline": ("the same, no episode beginning or ending", "its roofline"),
    "the same with a network of 2 x 64 / its own roofline": ("the same with a network of 2 x 64", "its roofline"),
    "1,024 environments in float32 / its own roofline": ("the same in float32", "its roofline"),
    "1,024 environments in float32 / in float64": ("the same in float32", "the same in float64"),
    "stable-baselines3 adapter: overhead": ("stable-baselines3 adapter, 1,024 copies", "the bare batch"),
    "PPO, 256 copies / DummyVecEnv of 16": ("PPO, training included, 256 copies", "`DummyVecEnv` of 16 `Pendulum-v1`"),
    "PPO, 16 copies / DummyVecEnv of 16": ("PPO, training included, 16 copies", "`DummyVecEnv` of 16 `Pendulum-v1`"),
    "memory of 16,384 environments": ("memory of 16,384 environments beyond that of one", "the bar"),
}
"""Benchmark -> what it measures, and against what; the gradients' rows name themselves."""


def throughput() -> str:
    """Ratios of the throughput benchmark."""
    rows = []
    for row in report("throughput")["rows"]:
        ours, theirs = _OTHERS.get(row["what"], (row["what"], "autograd"))
        rows.append((ours, _value(row, "ours"), theirs, _value(row, "theirs"), _ratio(row), _bar(row)))
    return table(("what", "value", "compared with", "value", "ratio", "bar"), rows)


def step_breakdown() -> str:
    """Where the time of a step goes."""
    return table(
        ("what", "microseconds"), [(what, f"{us:.1f}") for what, us in report("step_breakdown")["microseconds"].items()]
    )


def copies() -> str:
    """Steps per second by the number of copies."""
    found = _scaling("steps/s by copies")
    return table(("copies", *(f"{int(n):,}" for n in found)), [("`HNNPendulum-v0`", *map(rate, found.values()))])


def hidden_layers() -> str:
    """Steps per second of 1,024 copies by the hidden layers of the network."""
    found = _scaling("steps/s of 1,024 by hidden layers")
    return table(
        ("hidden layers, 1,024 copies", *(name.strip("(),") for name in found)),
        [("steps/s", *map(rate, found.values()))],
    )


def systems() -> str:
    """Steps per second of 1,024 copies of other systems."""
    stages = {
        "HNNSpring-v0": "4 (order 4)",
        "HNNIdealPendulum-v0": "4 (order 4)",
        "ThreeBody-v0": "8 (order 6)",
        "HNNTwoBody-v0": "8 (order 6), one pair",
        "HNNThreeBody-v0": "8 (order 6), three pairs",
    }
    found = _scaling("steps/s of 1,024")
    rows = [(f"`{name}`", forces, rate(found[name])) for name, forces in stages.items()]
    return table(("system, 1,024 copies", "forces per step", "steps/s"), rows)


def bodies() -> str:
    """Pair forces per second by the number of bodies."""
    found = _scaling("pair forces/s by bodies")
    return table(("bodies", *(f"{int(n):,}" for n in found)), [("pair forces/s", *map(rate, found.values()))])


def own_tasks() -> str:
    """Steps under a task or a reward of one's own, and by bumps."""
    rows = []
    for row in report("own_tasks")["rows"]:
        ours, theirs = row["what"].split(" / ")
        ratio = f"{row['ratio']:.2f} times as long" if row["at_most"] else f"{row['ratio']:.0f} times as fast"
        rows.append((ours, f"{rate(row['ours'])}/s", theirs, f"{rate(row['theirs'])}/s", ratio, _bar(row)))
    return table(("what", "steps", "compared with", "steps", "ratio", "bar"), rows)


def import_time() -> str:
    """CPU seconds of import statements."""
    found = report("import_time")["cpu_seconds"]
    rows = [(f"`{statement}`", f"{found[name]:.2f}") for name, statement in STATEMENTS.items()]
    rows.append(("`import hnn_gym` beyond `import gymnasium`", f"{found['hnn_gym over gymnasium']:.3f}"))
    return table(("in a new interpreter", "CPU seconds"), rows)


def pages() -> str:
    """Sizes of pages, and differences between JavaScript, ONNX and Python."""
    rows = []
    for name, found in report("pages")["worlds"].items():
        steps = [_difference(found[kind][steps]) for kind in ("free", "pushed") for steps in ("100", "1000")]
        onnx = [f"{found['onnx'][dtype]:.0e}" if found["onnx"][dtype] else "0" for dtype in ("float64", "float32")]
        rows.append((f"`{name}`", f"{found['bytes'] / 1000:.0f} kB", *steps, *onnx))
    free_and_pushed = [f"{kind}, {steps} steps" for kind in ("free", "pushed") for steps in ("100", "1,000")]
    return table(("world", "its page", *free_and_pushed, "ONNX, float64", "ONNX, float32"), rows)


def compilers() -> str:
    """Steps per second of the traced step by compiler, world and number of states."""
    found = report("compilers")
    names = list(found["megabytes"])
    rows = [
        (f"`{env_id}`", f"{int(count):,}", *(rate(by_name[name]["steps_per_second"]) for name in names))
        for env_id, by_count in found["worlds"].items()
        for count, by_name in by_count.items()
    ]
    return table(("world", "states", *(_COMPILERS[name] for name in names)), rows, numbers=True)


def compilers_cost() -> str:
    """What each compiler costs beside time to run."""
    found = report("compilers")
    rows = []
    for name, megabytes in found["megabytes"].items():
        cells = [row[name] for by_count in found["worlds"].values() for row in by_count.values()]
        seconds, differences = ([cell[key] for cell in cells] for key in ("seconds_to_first_step", "difference_in_eps"))
        span = f"{_seconds(min(seconds))} to {_seconds(max(seconds))}"
        imported = found["import_seconds"].get(name)
        rows.append(
            (
                _COMPILERS[name],
                f"{megabytes:.0f} MB" if megabytes else "nothing",
                "nothing" if imported is None else _seconds(imported),
                "nothing" if name == "numpy" else span,
                f"{max(differences):.0f}",
            )
        )
    columns = ("compiler", "more to install", "more to import", "time to the first step", "largest difference")
    return table(columns, rows)


def games() -> str:
    """Speed of worlds with a mass matrix against the environments of Gymnasium."""
    rows = []
    for row in _mass_matrices(against="v1"):
        ours, theirs = row["what"].split(" / ")
        speed, real = (f"{rate(row[side])}/s" for side in ("ours", "theirs"))
        count = "1,024 copies" if theirs.startswith(("Sync", "1,024")) else "one"
        rows.append((f"{count}: {ours}", speed, theirs, real, _ratio(row), _bar(row)))
    return table(("what", "value", "compared with", "value", "ratio", "bar"), rows)


def _mass_matrices(*, against: str) -> list[dict[str, Any]]:
    return [row for row in report("mass_matrices")["rows"] if row["what"].endswith(against)]


_COMPILERS = {
    "trace": "`hnn_gym.trace`",
    "numpy": "plain NumPy",
    "jax": "JAX",
    "numba": "Numba",
    "torch.compile": "`torch.compile`",
}


def mass_matrices() -> str:
    """Steps per second of a mass matrix M(q), traced and not."""
    found: dict[str, list[str]] = {}
    for row in _mass_matrices(against="untraced"):
        name = row["what"].removesuffix(" / untraced").rpartition(", ")[0]
        found.setdefault(name, []).extend((rate(row["theirs"]), rate(row["ours"])))
    columns = ("M(q) and scheme", "one state, untraced", "traced", "1,024 states, untraced", "traced")
    return table(columns, [(name, *cells) for name, cells in found.items()], numbers=True)


def _seconds(value: float) -> str:
    return f"{value:.2f} s" if value < 1 else f"{value:.1f} s" if value < 10 else f"{value:.0f} s"


def _scaling(name: str) -> dict[str, float]:
    found: dict[str, float] = report("throughput")["scaling"][name]
    return found


def _value(row: dict[str, Any], side: str) -> str:
    return f"{row[side]:.0f} MB" if row["unit"] == "MB" else f"{rate(row[side])}/s"


def _ratio(row: dict[str, Any]) -> str:
    ratio = row["ratio"]
    if row["what"].endswith("overhead"):
        return f"{ratio:.0%} more time"
    return f"{ratio:.0f}" if ratio >= 10 else f"{ratio:.2f}"


def _difference(value: float) -> str:
    """A difference; one above 1e-6 has grown from the last bit and says nothing more."""
    return "0" if value == 0 else f"{value:.0e}" if value < 1e-6 else "chaotic"


def _bar(row: dict[str, Any]) -> str:
    if row["bar"] is None:
        return ""
    return f"{'<=' if row['at_most'] else '>='} {row['bar']:g}"


TABLES = {
    "throughput": throughput,
    "step-breakdown": step_breakdown,
    "copies": copies,
    "hidden-layers": hidden_layers,
    "systems": systems,
    "bodies": bodies,
    "import-time": import_time,
    "pages": pages,
    "compilers": compilers,
    "compilers-cost": compilers_cost,
    "mass-matrices": mass_matrices,
    "games": games,
    "own-tasks": own_tasks,
}
"""By name."""
