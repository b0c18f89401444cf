"""The runs of the pixel pendulum: record, train, score, one entry of the results."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import numpy as np

from hnn_gym.experiments.paper.pixel_data import Film, film, train_and_test
from hnn_gym.experiments.paper.pixel_model import Kind, build
from hnn_gym.experiments.paper.pixel_scoring import Reader, corrected_score, paper_score, scored_films
from hnn_gym.experiments.paper.pixel_training import PROTOCOL, pixel_loss, train_pixels

PIXEL_MODELS: tuple[Kind, ...] = ("hnn", "baseline")


@dataclass(frozen=True)
class PixelRunSettings:
    """How runs are sized."""

    steps: int | None = None
    """Gradient steps; None: the protocol's."""
    trials: int = 200
    """Films that are recorded; a fifth of them tests."""
    frames: int = 103
    """Frames of each."""
    paper_starts: int = 5
    """Films scored under the paper's protocol."""
    corrected_starts: int = 30
    """Films scored under the corrected protocol."""
    scored_frames: int = 200
    """Frames of a scored film."""


def run_pixels(model: Kind, seed: int, settings: PixelRunSettings) -> dict[str, Any]:
    """Record, train and score one model; the seed is that of the films, of the initial weights and of the batches."""
    whole, recording = _recorded(settings.trials, settings.frames, seed)
    training, test = train_and_test(whole)
    protocol = PROTOCOL if settings.steps is None else replace(PROTOCOL, steps=settings.steps)
    began, cpu = time.perf_counter(), time.process_time()
    arrays = train_pixels(model, training, protocol=protocol, seed=seed)
    costs = {"train_seconds": time.perf_counter() - began, "train_cpu_seconds": time.process_time() - cpu}
    world = build(model, {name: array.astype(np.float64) for name, array in arrays.items()})
    reader = Reader.fitted(world, training)
    paper, corrected = scored_films(settings.paper_starts, settings.corrected_starts, settings.scored_frames)
    return {
        "train_loss": pixel_loss(world, training),
        "test_loss": pixel_loss(world, test),
        **costs,
        **recording,
        "paper": paper_score(world, reader, paper),
        "inside": corrected_score(world, reader, corrected),
    }


@lru_cache(maxsize=1)
def _recorded(trials: int, frames: int, seed: int) -> tuple[Film, dict[str, float]]:
    began, cpu = time.perf_counter(), time.process_time()
    whole = film(trials=trials, frames=frames, seed=seed)
    return whole, {
        "recorded_frames": trials * frames,
        "data_seconds": time.perf_counter() - began,
        "data_cpu_seconds": time.process_time() - cpu,
    }
