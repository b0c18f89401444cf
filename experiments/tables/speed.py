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
    "memory of 16,384 environments": ("memory of 16,384 environments beyond the import", "the bar"),
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


def import_time() -> str:
    """CPU seconds of import statements."""
    found = report("import_time")["cpu_seconds"]
    rows = [(f"`{statement}`", f"{found[name]:.2f}") for name, statement in STATEMENTS.items()]
    rows.append(("`import hnn_gym` beyond `import gymnasium`", f"{found['hnn_gym over gymnasium']:.3f}"))
    return table(("in a new interpreter", "CPU seconds"), rows)


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
}
"""By name."""
