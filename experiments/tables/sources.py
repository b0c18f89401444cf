"""Shared sources of all tables: the stored results, the cards of the shipped worlds, and Markdown."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from hnn_gym.envs.shipped import WEIGHTS
from hnn_gym.errors import InputError
from hnn_gym.files.checkpoint import read_checkpoint
from hnn_gym.studies import Results

RESULTS = Path(__file__).parents[2] / "docs" / "results"


@cache
def measurements(experiment: str) -> Results:
    """Read results that an experiment stores one by one.

    Raises:
        InputError: there are none.
    """
    _check(experiment)
    return Results(RESULTS / f"{experiment}.json", command=f"python -m experiments.{experiment}")


@cache
def report(name: str) -> dict[str, Any]:
    """Read results that a command writes in one file.

    Raises:
        InputError: there are none.
    """
    _check(name)
    found: dict[str, Any] = json.loads((RESULTS / f"{name}.json").read_text())
    return found


@cache
def card(env_id: str) -> dict[str, Any]:
    """The card of a shipped world."""
    found: dict[str, Any] = read_checkpoint(WEIGHTS / env_id)[0]["provenance"]
    return found


def best_returns() -> np.ndarray:
    """Best returns ``(100,)`` in Pendulum-v1 from the shared starts."""
    return np.array(measurements("optimum")["optimum"])


def table(columns: Sequence[str], rows: Iterable[Sequence[str]], *, numbers: bool = False) -> str:
    """A Markdown table; ``numbers`` aligns all columns but the first to the right."""
    rule = ["---", *(["---:" if numbers else "---"] * (len(columns) - 1))]
    lines = ["| " + " | ".join(columns) + " |", "|" + "|".join(rule) + "|"]
    return "\n".join([*lines, *("| " + " | ".join(row) + " |" for row in rows)]) + "\n"


def rate(value: float) -> str:
    """A rate with three digits at most: 12.6M, 101k."""
    for size, letter in ((1e6, "M"), (1e3, "k")):
        if value >= size:
            return f"{_digits(value / size)}{letter}"
    return _digits(value)


def power(value: float) -> str:
    """A number as 7.6e-6."""
    mantissa, exponent = f"{value:.1e}".split("e")
    return f"{mantissa}e{int(exponent)}"


def _digits(value: float) -> str:
    return f"{value:.0f}" if value >= 100 else f"{value:.1f}"


def _check(name: str) -> None:
    if not (RESULTS / f"{name}.json").exists():
        raise InputError(f"docs/results has no {name}.json: run the command that measures it first.")
