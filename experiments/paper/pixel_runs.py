"""The runs of the pixel pendulum: record, train, score, one entry of the results."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any, Literal

import numpy as np

from experiments.paper.pixel_best import learn_line
from experiments.paper.pixel_data import Film, film, train_and_test
from experiments.paper.pixel_model import Kind, PaperPixelModel, build
from experiments.paper.pixel_scoring import Dreamer, Reader, corrected_score, paper_score, scored_films
from experiments.paper.pixel_training import PROTOCOL, pixel_loss, train_pixels
from hnn_gym.training import PixelSettings

PixelModel = Literal["hnn", "baseline", "best"]
PIXEL_MODELS: tuple[PixelModel, ...] = ("hnn", "baseline", "best")


@dataclass(frozen=True)
class PixelRunSettings:
    """How runs are sized."""

    steps: int | None = None
    """Gradient steps; None: the protocol's."""
    trials: int = 200
    """Films that are recorded; a fifth of them is the test."""
    frames: int = 103
    """Frames of each."""
    paper_starts: int = 5
    """Films scored under the paper's protocol."""
    corrected_starts: int = 30
    """Films scored under the corrected protocol."""
    scored_frames: int = 200
    """Frames of a scored film."""
    best: PixelSettings = field(default_factory=PixelSettings)
    """Settings of our own model; its seed is the run's."""


def run_pixels(model: PixelModel, seed: int, settings: PixelRunSettings) -> dict[str, Any]:
    """Record, train and score one model; the seed is that of the films, of the initial weights and of the batches."""
    whole, recording = recorded(settings.trials, settings.frames, seed)
    training, test = train_and_test(whole)
    began, cpu = time.perf_counter(), time.process_time()
    if model == "best":
        world: Dreamer = learn_line(training, settings=replace(settings.best, seed=seed))
    else:
        world = _papers(model, training, seed, settings)
    costs = {"train_seconds": time.perf_counter() - began, "train_cpu_seconds": time.process_time() - cpu}
    # The paper's loss is one of its networks: codes and times of other models have other units.
    losses = (
        {"train_loss": pixel_loss(world, training), "test_loss": pixel_loss(world, test)}
        if isinstance(world, PaperPixelModel)
        else {}
    )
    return losses | costs | recording | scores(world, training, settings)


def scores(
    world: Dreamer,
    training: Film,
    settings: PixelRunSettings,
    seen: Callable[[Film], Film] = lambda shown: shown,
) -> dict[str, Any]:
    """Score under the paper's protocol, the same without its time stretch, and the corrected one.

    Args:
        world: the model.
        training: film to which the reading of its codes is fitted.
        settings: sizes.
        seen: maps a scored film to the frames that the model gets.
    """
    reader = Reader.fitted(world, training)
    films = scored_films(settings.paper_starts, settings.corrected_starts, settings.scored_frames)
    paper, corrected = (seen(shown) for shown in films)
    return {
        "paper": paper_score(world, reader, paper),
        "unstretched": paper_score(world, reader, paper, stretched=False),
        "inside": corrected_score(world, reader, corrected),
    }


@lru_cache(maxsize=1)
def recorded(trials: int, frames: int, seed: int) -> tuple[Film, dict[str, float]]:
    """Record films, or take the last ones if they are the same; return them with the cost of the recording."""
    began, cpu = time.perf_counter(), time.process_time()
    whole = film(trials=trials, frames=frames, seed=seed)
    return whole, {
        "recorded_frames": trials * frames,
        "data_seconds": time.perf_counter() - began,
        "data_cpu_seconds": time.process_time() - cpu,
    }


def _papers(kind: Kind, training: Film, seed: int, settings: PixelRunSettings) -> PaperPixelModel:
    protocol = PROTOCOL if settings.steps is None else replace(PROTOCOL, steps=settings.steps)
    arrays = train_pixels(kind, training, protocol=protocol, seed=seed)
    return build(kind, {name: array.astype(np.float64) for name, array in arrays.items()})
