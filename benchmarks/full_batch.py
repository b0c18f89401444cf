"""What a full-batch fit costs by the size of a recording: ``python -m benchmarks.full_batch``.

CPU time of the loss of the mechanical model of Pendulum-v1 and its gradient, on all transitions at once. From it
follows the size above which recordings are streamed (``FitSettings.stream_above``). Beside it stands what a transition
costs in minibatches of 4,096, in both precisions (``FitSettings.precision``).
"""

from __future__ import annotations

import statistics
import time
from dataclasses import dataclass
from pathlib import Path

import torch

from benchmarks.large_recording import episodes, provenance
from benchmarks.timing import Row, report
from hnn_gym.command import run
from hnn_gym.data import TransitionDataset
from hnn_gym.training import FitSettings
from hnn_gym.training.preparation import Preparation
from hnn_gym.training.settings import PRECISIONS

COMMAND = "python -m benchmarks.full_batch --out docs/results/full_batch.json"
_EVALUATIONS = 1800
"""Evaluations of a fit with the default settings, about: 300 of Adam, 1,500 of L-BFGS."""
_BATCH = 4096


@dataclass(frozen=True)
class Settings:
    """Measure the cost of full-batch fits."""

    out: Path | None = None
    """JSON file for the results; None only prints them."""
    sizes: tuple[int, ...] = (2_000, 20_000, 100_000)
    """Numbers of transitions, multiples of 200."""
    repeats: int = 7
    """Evaluations of each; the median counts."""


def seconds_an_evaluation(size: int, repeats: int) -> float:
    """CPU seconds of one value with its gradient."""
    dataset = TransitionDataset.from_episodes(episodes(size // 200, seed=0), provenance())
    objective = Preparation.of(dataset, "mechanical").objective(FitSettings())
    parameters = {k: torch.tensor(v, requires_grad=True) for k, v in objective.initial_parameters().items()}
    seconds = []
    for _ in range(repeats):
        began = time.process_time()
        value, _ = objective(parameters)
        torch.autograd.grad(value, list(parameters.values()), allow_unused=True)
        seconds.append(time.process_time() - began)
    return statistics.median(seconds)


def seconds_in_minibatches(precision: str, repeats: int) -> float:
    """CPU seconds of a transition in a minibatch, its gradient included."""
    dataset = TransitionDataset.from_episodes(episodes(-(-_BATCH // 200), seed=0), provenance())
    objective, batch = Preparation.of(dataset, "mechanical").objective(FitSettings()), dataset.windows(1)[:_BATCH]
    dtype = getattr(torch, precision)
    initial = objective.initial_parameters()
    parameters = {k: torch.tensor(v, dtype=dtype, requires_grad=True) for k, v in initial.items()}
    seconds = []
    for _ in range(repeats):
        began = time.process_time()
        objective.on(batch, dtype)(parameters)[0].backward()
        seconds.append(time.process_time() - began)
    return statistics.median(seconds) / _BATCH


def main(settings: Settings) -> None:
    """Run the benchmark."""
    torch.set_num_threads(1)
    found = {size: seconds_an_evaluation(size, settings.repeats) for size in settings.sizes}
    rows = [
        Row(
            f"{size:,} transitions",
            1e6 * one / size,
            _EVALUATIONS * one,
            "us a transition, s a fit",
            _EVALUATIONS * one,
        )
        for size, one in found.items()
    ]
    minibatches = {name: seconds_in_minibatches(name, 5 * settings.repeats) for name in PRECISIONS}
    print(minibatches)
    more = {"cpu_seconds_an_evaluation": found, "cpu_seconds_a_transition_in_minibatches": minibatches}
    report(rows, command=COMMAND, out=settings.out, more=more)


if __name__ == "__main__":
    run(main, Settings, prog="python -m benchmarks.full_batch")
