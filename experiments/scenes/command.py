"""Springs, bodies and a cart-pole from frames: ``python -m experiments.scenes --out docs/results/scenes.json``.

For each of several recordings the command films the environment under random actions, learns an HNN and a second-order
network without physics from the frames by one method, and forecasts unforced motion that neither has seen. If it is
interrupted, the same command continues.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from rich.console import Console

from experiments.scenes import cart_pole, figures, measures, setups
from experiments.scenes.setups import SETUPS
from hnn_gym.errors import InputError
from hnn_gym.evaluation import markdown_table
from hnn_gym.models.pixel import Scene
from hnn_gym.studies import Results
from hnn_gym.training.pixel_settings import PixelSettings
from hnn_gym.training.pixels import train_pixel_world
from hnn_gym.worlds.pixel_world import PixelWorld

COMMAND = "python -m experiments.scenes"


@dataclass(frozen=True)
class Settings:
    """Learn springs and bodies from their frames, and forecast."""

    out: Path | None = None
    """JSON file for the results, from which an interrupted run resumes; None only prints them."""
    runs: Path | None = None
    """Folder for the learned worlds; None keeps none."""
    weights: Path | None = None
    """Folder for the HNNs of the first recording, under the ids of the shipped ones; None keeps none."""
    pictures: Path | None = None
    """Folder for films of the worlds of the first recording that are in ``runs``; None draws none."""
    scenes: tuple[str, ...] = (*SETUPS, "cart-pole")
    """What is filmed."""
    seeds: tuple[int, ...] = (0, 1, 2)
    """Seeds of the recordings."""
    size: int = 64
    """Rows and columns of a frame."""
    motions: int = 10
    """Unforced motions to forecast."""
    steps: int = 15
    """Least-squares steps of a round of the training, at the most."""
    starts: int = 100
    """Starts of the real CartPole-v1 that the agent balances from, by frames alone; 0: none."""

    def __post_init__(self) -> None:
        """Check the names."""
        for name in self.scenes:
            if name not in (*SETUPS, "cart-pole"):
                raise InputError(f"There is no scene {name!r}: choose from {', '.join(SETUPS)}, cart-pole.")


def study(settings: Settings, console: Console) -> Results:
    """Make all measurements, one recording after the other."""
    results = Results(settings.out, command=COMMAND)
    for name in settings.scenes:
        if name == "cart-pole":
            _cart_pole(settings, console, results)
            continue
        setup = SETUPS[name]
        film = cache(lambda setup=setup: setups.filmed(setup, size=settings.size, motions=settings.motions))
        for seed in settings.seeds:
            dataset = cache(lambda setup=setup, seed=seed: setups.recorded(setup, size=settings.size, seed=seed))
            for model, (twin, env_id) in setup.models.items():
                key = f"{name}/{seed}/{model}"
                if key in results:
                    continue
                console.print(f"[bold]{name}, recording {seed}, {model}")
                seen, facts = _learned(dataset(), twin, setup.scene, setup.horizons, settings, console)
                results[key] = facts | measures.measure(seen, setup, film()) | measures.bump(seen, setup)
                console.print(results[key])
                _keep(seen, settings, name, seed, model, env_id)
        if settings.pictures is not None and settings.runs is not None:
            folders = {model: settings.runs / name / str(settings.seeds[0]) / model for model in setup.models}
            worlds = {model: PixelWorld.load(folder) for model, folder in folders.items() if folder.exists()}
            figures.draw(worlds, setup, film(), settings.pictures / f"{name.replace(' ', '_')}.gif")
    return results


def _cart_pole(settings: Settings, console: Console, results: Results) -> None:
    film = cache(lambda: cart_pole.filmed(size=settings.size, motions=settings.motions))
    for seed in settings.seeds:
        dataset = cache(lambda seed=seed: cart_pole.recorded(size=settings.size, seed=seed))
        for model, twin in cart_pole.TWINS.items():
            key, agent = f"cart-pole/{seed}/{model}", f"agent/{seed}/{model}"
            folder = None if settings.runs is None else settings.runs / "cart-pole" / str(seed) / model
            seen = None if folder is None or not folder.exists() else PixelWorld.load(folder)
            if key not in results:
                console.print(f"[bold]cart-pole, recording {seed}, {model}")
                seen, facts = _learned(dataset(), twin, cart_pole.SCENE, cart_pole.HORIZONS, settings, console)
                results[key] = facts | cart_pole.measure(seen, film())
                console.print(results[key])
                _keep(seen, settings, "cart-pole", seed, model, None)
            if settings.starts and seen is not None and agent not in results:
                results[agent] = cart_pole.balanced(seen, episodes=settings.starts)
                console.print(results[agent])


def _keep(seen: PixelWorld, settings: Settings, name: str, seed: int, model: str, env_id: str | None) -> None:
    if settings.runs is not None:
        seen.save(settings.runs / name / str(seed) / model, overwrite=True)
    if settings.weights is not None and env_id is not None and seed == settings.seeds[0]:
        seen.save(settings.weights / env_id, overwrite=True)


def _learned(
    dataset: Any, twin: Any, scene: Scene, horizons: tuple[int, ...], settings: Settings, console: Console
) -> tuple[PixelWorld, dict[str, Any]]:
    began = time.process_time()
    learning = PixelSettings(horizons=horizons, steps=settings.steps, reward_steps=10, reward_hidden=(16,))
    seen = train_pixel_world(
        dataset,
        twin.model,
        scene=scene,
        options=twin.options,
        integrator=twin.integrator,
        settings=learning,
        report=console.print,
    )
    facts: dict[str, Any] = {"cpu_seconds": round(time.process_time() - began, 1)}
    facts["figures"] = dict(seen.about["figures"])  # type: ignore[call-overload]
    if "inertia.log" in (seen.world.parameters or {}):
        facts["inertia_kg"] = float(np.exp(seen.world.parameters["inertia.log"][0]))  # type: ignore[index]
    return seen, facts


def table(results: Results, scene: str) -> str:
    """Every recording of a scene as a row of Markdown."""
    rows = {}
    for key, found in results.below(f"{scene}/").items():
        seed, model = key.split("/")
        conserved = found.get("angular_momentum_change_worst")
        rows[f"{model}, recording {seed}"] = [
            f"{found['cpu_seconds']:.0f}",
            f"{found['position_rms_pixels']:.3f}",
            f"{found['steps_within_one_pixel']['median']:.0f} / {found['steps_within_one_pixel']['worst']}",
            f"{found['vpt']['median']:.0f} / {found['vpt']['worst']}",
            f"{100 * found['energy_band_median']:.2g}% / {100 * found['energy_band_worst']:.2g}%",
            "" if conserved is None else f"{conserved:.0e}",
        ]
    columns = [
        "training, CPU s",
        "positions, rms pixels",
        "steps within one pixel, median / worst film",
        "VPT, median / worst film",
        "band of the true energy, median / worst film",
        "angular momentum, largest change",
    ]
    if scene == "spring":
        columns, rows = columns[:-1], {name: row[:-1] for name, row in rows.items()}
    return markdown_table(columns, dict(sorted(rows.items())))


def cart_pole_table(results: Results) -> str:
    """Every recording of the cart-pole as a row of Markdown."""
    rows = {}
    for key, found in results.below("cart-pole/").items():
        seed, model = key.split("/")
        agent = f"agent/{seed}/{model}"
        returns = results[agent]["returns"] if agent in results else []
        cells = [f"{found['cpu_seconds']:.0f}", f"{found['position_rms_pixels']:.3f}"]
        for what in ("steps_within_one_pixel", "true_map_steps_within_one_pixel", "vpt", "true_map_vpt"):
            cells.append(f"{found[what]['median']:.0f} / {found[what]['worst']}")
        cells.append(f"{sum(value >= 500 for value in returns)} of {len(returns)}" if returns else "")
        rows[f"{model}, recording {seed}"] = cells
    columns = [
        "training, CPU s",
        "positions, rms pixels",
        "steps within one pixel, median / worst film",
        "the true map",
        "VPT, median / worst film",
        "the true map",
        "500 steps balanced from frames",
    ]
    return markdown_table(columns, dict(sorted(rows.items())))


def main(settings: Settings) -> None:
    """Run the experiment."""
    torch.set_num_threads(1)
    console = Console()
    results = study(settings, console)
    for scene in settings.scenes:
        console.print(cart_pole_table(results) if scene == "cart-pole" else table(results, scene))
