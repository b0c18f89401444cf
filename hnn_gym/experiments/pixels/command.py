"""The pixel pendulum, from film to control: ``python -m hnn_gym.experiments.pixels --out docs/results/pixels.json``.

Records Pendulum-v1 under random torque as frames; learns an HNN and two networks without physics from them, by one
method; forecasts unforced motion a thousand steps ahead, forward and backward; plans in each dream and acts in the real
Pendulum-v1 from frames alone; measures the rates at which the dreams step.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import torch
from rich.console import Console

from hnn_gym.data import TransitionDataset
from hnn_gym.envs.latent_observation import frame_rule_of
from hnn_gym.experiments.pixels import control, figures, films, forecasts
from hnn_gym.pixel_world import PixelWorld
from hnn_gym.training.pixel_settings import PixelSettings
from hnn_gym.training.pixels import learn_pixels

MODELS: Mapping[str, tuple[str, dict[str, Any], str | None]] = {
    "HNN": ("mechanical", {"hidden": (16,)}, "HNNPixelPendulum-v0"),
    "second-order network": ("second-order", {"hidden": (32,)}, "BaselinePixelPendulum-v0"),
    "first-order network": ("baseline", {"hidden": (32,)}, None),
}
"""Kind and options of the dynamics, and the id under which they are shipped."""


@dataclass(frozen=True)
class Settings:
    """Learn Pendulum-v1 from its frames, forecast, and act from frames."""

    out: Path | None = None
    """JSON file for the results; None only prints them."""
    pictures: Path | None = None
    """Folder for the figures; None draws none."""
    weights: Path | None = None
    """Folder for the learned worlds, under the ids they are shipped by; None keeps none."""
    seed: int = 0
    """Of the recording and of the initial weights."""
    steps: int = 4000
    """Real steps to learn from, in episodes of 200."""
    size: int = 64
    """Rows and columns of a frame."""
    motions: int = 20
    """Unforced motions to forecast."""
    horizon: int = 1000
    """Steps to forecast."""
    context: int = 50
    """Steps between the frames from which the state is estimated, beside the estimate from two frames."""
    starts: int = 100
    """Starts of the real pendulum: reset(seed=0), reset(seed=1), ..."""
    learning: PixelSettings = field(default_factory=PixelSettings)
    """Of the training, the same for all models."""


def main(settings: Settings) -> None:
    """Run the experiment."""
    torch.set_num_threads(1)
    console = Console()
    results = experiment(settings, console)
    console.print_json(json.dumps(results))
    if settings.out is not None:
        settings.out.parent.mkdir(parents=True, exist_ok=True)
        settings.out.write_text(json.dumps(results, indent=1) + "\n")


def experiment(settings: Settings, console: Console) -> dict[str, Any]:
    """All measurements."""
    began = time.process_time()
    dataset = films.record(steps=settings.steps, size=settings.size, seed=settings.seed)
    recording = time.process_time() - began
    worlds, training = _learned(dataset, settings, console)
    film = films.film_unforced(
        frame_rule_of(worlds["HNN"]),
        episodes=settings.motions,
        steps=settings.horizon + settings.context,
        first_seed=1000,
    )
    frames = np.concatenate(dataset.frames())
    states = np.concatenate([np.asarray(episode.state) for episode in dataset])
    offsets = {name: forecasts.origin(seen, frames, states[:, 0]) for name, seen in worlds.items()}
    encoding = {
        name: forecasts.encoding_error(
            seen, film.frames.reshape(-1, *frames.shape[1:]), film.states[..., 0].reshape(-1), offsets[name]
        )
        for name, seen in worlds.items()
    }
    console.print("forecasts")
    foreseen = forecasts.measure(worlds, film, context=settings.context, steps=settings.horizon, offsets=offsets)
    acting = {}
    for name in ("HNN", "second-order network"):
        console.print(f"planning in the dream of the {name}")
        agent = control.planned(worlds[name])
        real = control.real_returns(agent, worlds[name], starts=settings.starts)
        acting[name] = {
            "real, from frames": control.summary(real) | {"all": np.round(real, 2).tolist()},
            "in the dream": control.summary(control.dreamt_returns(agent, worlds[name], starts=settings.starts)),
        }
    if settings.weights is not None:
        for name, (_, _, env_id) in MODELS.items():
            if env_id is not None:
                worlds[name].save(settings.weights / env_id, overwrite=True)
    if settings.pictures is not None:
        figures.draw(worlds, dataset, film, offsets, settings.pictures, context=settings.context)
    return {
        "command": "python -m hnn_gym.experiments.pixels --out docs/results/pixels.json",
        "recording": {"steps": settings.steps, "size": settings.size, "cpu_seconds": round(recording, 1)},
        "training": training,
        "encoding_of_single_frames": encoding,
        "forecasts": foreseen,
        "control": acting,
        "stepping": rates(worlds["HNN"]),
    }


def _learned(
    dataset: TransitionDataset, settings: Settings, console: Console
) -> tuple[dict[str, PixelWorld], dict[str, Any]]:
    worlds, told = {}, {}
    for name, (kind, options, _) in MODELS.items():
        console.print(f"[bold]{name}")
        began = time.process_time()
        seen = learn_pixels(dataset, kind, settings=settings.learning, options=options, report=console.print)
        worlds[name] = seen
        told[name] = {"cpu_seconds": round(time.process_time() - began, 1)} | dict(seen.about["figures"])  # type: ignore[call-overload]
        if name == "HNN" and seen.world.parameters is not None:
            told[name]["inertia_kg_m2"] = float(np.exp(seen.world.parameters["inertia.log"][0]))
    return worlds, told


def rates(seen: PixelWorld, *, num_envs: int = 256, repeats: int = 40) -> dict[str, float]:
    """Steps a second of a vector of dreams, by the clock; the best is what a busy machine disturbs least."""
    told: dict[str, float] = {"num_envs": num_envs}
    for observation in ("latent", "pixels"):
        envs = gymnasium.make_vec(
            "HNNPixelPendulum-v0", num_envs=num_envs, world_model=seen, observation=observation, stack=1
        )
        envs.reset(seed=0)
        actions = np.random.default_rng(0).uniform(-2, 2, (num_envs, 1))
        seconds = []
        for _ in range(repeats):
            began = time.perf_counter()
            envs.step(actions)
            seconds.append(time.perf_counter() - began)
        told[f"{observation}_steps_per_second_median"] = round(num_envs / float(np.median(seconds)))
        told[f"{observation}_steps_per_second_best"] = round(num_envs / min(seconds))
        envs.close()
    return told
