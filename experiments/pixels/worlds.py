"""The worlds of the experiment: recorded, learned by one method, and kept on disk with the facts about them."""

from __future__ import annotations

import time
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from experiments.pixels import films, forecasts
from hnn_gym.agents.identity import world_named
from hnn_gym.data import TransitionDataset
from hnn_gym.systems import SYSTEMS, Twin
from hnn_gym.training.pixel_rounds import LineReport
from hnn_gym.training.pixel_settings import PixelSettings
from hnn_gym.training.pixels import train_pixel_world
from hnn_gym.worlds.pixel_world import PixelWorld

_TWINS = SYSTEMS["Pendulum-v1"].pixel_twins

MODELS: Mapping[str, tuple[Twin, str | None]] = {
    "HNN": (_TWINS["HNN"], "HNNPixelPendulum-v0"),
    "second-order network": (_TWINS["Baseline"], "BaselinePixelPendulum-v0"),
    "first-order network": (Twin("baseline", options={"hidden": (32,)}), None),
}
"""Models of the dynamics, and the ids of those that ship with the package."""


@lru_cache(maxsize=1)
def recorded(steps: int, size: int, seed: int) -> tuple[TransitionDataset, float]:
    """Random torque as frames, and the CPU seconds of the recording."""
    began = time.process_time()
    dataset = films.record(steps=steps, size=size, seed=seed)
    return dataset, time.process_time() - began


def learn(
    name: str, folder: Path, *, steps: int, size: int, seed: int, learning: PixelSettings, report: LineReport
) -> dict[str, Any]:
    """Learn a world from the recording of ``seed``, and write it to ``folder``.

    Returns:
        Facts about it: CPU seconds, figures of the training, the learned inertia if there is one, the true angle of
        its origin, and hashes of the data and of the world.
    """
    dataset, recording = recorded(steps, size, seed)
    twin, _ = MODELS[name]
    began = time.process_time()
    learned = train_pixel_world(dataset, twin.model, settings=learning, options=twin.options, report=report)
    seconds = time.process_time() - began
    learned.save(folder, overwrite=True)
    seen = PixelWorld.load(folder)
    facts = {
        "recording_cpu_seconds": round(recording, 1),
        "cpu_seconds": round(seconds, 1),
        "figures": dict(seen.about["figures"]),  # type: ignore[call-overload]
        "origin_rad": forecasts.origin(
            seen,
            np.concatenate(dataset.frames()),
            np.concatenate([np.asarray(episode.state)[:, 0] for episode in dataset]),
        ),
        "data_sha256": seen.about["sha256"],
        "world_sha256": world_named(seen.world)["sha256"],
    }
    if "inertia.log" in (seen.world.parameters or {}):
        facts["inertia_kg_m2"] = float(np.exp(seen.world.parameters["inertia.log"][0]))  # type: ignore[index]
    return facts


def kept(folder: Path, facts: Mapping[str, Any]) -> PixelWorld | None:
    """The world in ``folder`` if it is the one that ``facts`` describes, else None."""
    if not (folder / "world.json").exists():
        return None
    seen = PixelWorld.load(folder)
    return seen if world_named(seen.world)["sha256"] == facts["world_sha256"] else None
