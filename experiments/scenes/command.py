"""Springs, bodies, cart-pole and acrobot from frames: ``python -m experiments.scenes --out docs/results/scenes.json``.

For each of several recordings the command films the environment under random actions, learns an HNN and a second-order
network without physics from the frames by one method, and forecasts motion that neither has seen. If it is interrupted,
the same command continues.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache, partial
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import torch
from rich.console import Console

from experiments.scenes import accelerations, cart_pole, driven, figures, identities, measures, setups
from experiments.scenes.acrobot import ACROBOT
from experiments.scenes.cart_pole import CART_POLE
from experiments.scenes.driven import Driven
from experiments.scenes.setups import SETUPS
from hnn_gym.data import TransitionDataset
from hnn_gym.envs.shipped import resolve_pixel_world
from hnn_gym.errors import ConvergenceError, InputError
from hnn_gym.evaluation import markdown_table
from hnn_gym.models.pixel import Bodies, Scene
from hnn_gym.studies import Executing, Execution, Results, run_cells
from hnn_gym.systems import Twin
from hnn_gym.training.pixel_settings import PixelSettings
from hnn_gym.training.pixels import train_pixel_world
from hnn_gym.worlds.pixel_world import PixelWorld

COMMAND = "python -m experiments.scenes"
DRIVEN: Mapping[str, Driven] = {"cart-pole": CART_POLE, "acrobot": ACROBOT}
"""What is forecast under recorded actions."""


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
    """Folder for films of the truth beside the shipped worlds; None draws none."""
    scenes: tuple[str, ...] = (*SETUPS, *DRIVEN)
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
    """Starts of the real CartPole-v1 that an agent balances from, by frames alone."""
    execution: Executing = field(default_factory=Execution)

    def __post_init__(self) -> None:
        """Check the names."""
        for name in self.scenes:
            if name not in (*SETUPS, *DRIVEN):
                raise InputError(f"There is no scene {name!r}: choose from {', '.join((*SETUPS, *DRIVEN))}.")


def study(settings: Settings, console: Console) -> Results:
    """Make all measurements that are missing, and draw the films."""
    results = Results(settings.out, command=COMMAND)
    cells: dict[str, Callable[[], Any]] = {}
    for name, seed in product((name for name in settings.scenes if name in SETUPS), settings.seeds):
        setup = SETUPS[name]
        if name in (setups.FIVE, setups.FIVE_ALIKE):
            cells[f"identities/{seed}/{name}"] = partial(_identities, name, seed, settings)
        if setup.chaotic and not setup.one_colour:
            cells[f"accelerations/{seed}/{name}"] = partial(accelerations.known, setup.env_id, seed, steps=setup.steps)
        for model in SETUPS[name].models:
            cells[f"{name}/{seed}/{model}"] = partial(measured, name, seed, model, settings)
    cells |= {
        f"{name}/{seed}/{model}": partial(_driven, name, seed, model, settings)
        for name in settings.scenes
        if name in DRIVEN
        for seed in settings.seeds
        for model in DRIVEN[name].models
    }
    cells |= {f"floor/{name}": partial(_floor, name, settings) for name in settings.scenes if name in DRIVEN}
    if "cart-pole" in settings.scenes:
        cells |= {f"agent/{seed}/HNN": partial(_agent, seed, settings) for seed in settings.seeds if settings.starts}
    with settings.execution.opened() as executor:
        run_cells(results, cells, executor=executor, report=console.print, console=console)
    if settings.pictures is not None:
        for name in settings.scenes:
            _draw(name, settings, settings.pictures / f"{name.replace(' ', '_').replace('-', '_')}.gif")
    return results


def measured(name: str, seed: int, model: str, settings: Settings) -> dict[str, Any]:
    """Learn a model from a recording, and measure its forecasts; or say why the world is refused by its own check."""
    torch.set_num_threads(1)
    setup = SETUPS[name]
    twin, env_id = setup.models[model]
    try:
        seen, facts = _learned(_recording(name, settings.size, seed), twin, setup.scene, setup.horizons, settings)
    except ConvergenceError as error:
        return {"refused": str(error)}
    found = facts | measures.measure(seen, setup, _film(name, settings.size, settings.motions))
    _keep(seen, settings, name, seed, model, env_id)
    return found | measures.bump(seen, setup)


def _identities(name: str, seed: int, settings: Settings) -> dict[str, Any]:
    """Follow the bodies through a recording."""
    scene = SETUPS[name].scene
    assert isinstance(scene, Bodies)
    return identities.kept(_recording(name, settings.size, seed), scene)


def _draw(name: str, settings: Settings, path: Path) -> None:
    """Draw the first film of a scene beside the worlds that ship, or that were kept, if there are any."""
    dreams = {}
    for model, (_, env_id) in (DRIVEN[name] if name in DRIVEN else SETUPS[name]).models.items():
        seen = _kept(settings, name, model, env_id)
        if seen is None:
            continue
        if name in DRIVEN:
            film: Any = _driven_film(name, settings.size, settings.motions)
            context = DRIVEN[name].context
            dreams[model] = seen, driven.dreamt(seen, DRIVEN[name], film.first)[0]
        else:
            film, context = _film(name, settings.size, settings.motions), SETUPS[name].context
            q = measures.encoded(seen, film.frames[:1, : context + 1])
            motion = measures.forecast(seen.world, q, steps=SETUPS[name].horizon)
            dreams[model] = seen, motion[0, :, : seen.world.coordinates.n]
    if dreams:
        figures.draw(film.frames[0, context:], dreams, path)


def _kept(settings: Settings, name: str, model: str, env_id: str | None) -> PixelWorld | None:
    """The world that ships under an id; or that of the first recording, where worlds are kept."""
    if env_id is not None:
        return resolve_pixel_world(env_id)
    if settings.runs is None or not _folder(settings.runs, name, settings.seeds[0], model).exists():
        return None
    return PixelWorld.load(_folder(settings.runs, name, settings.seeds[0], model))


def _driven(name: str, seed: int, model: str, settings: Settings) -> dict[str, Any]:
    """Learn what moves under actions from a recording, and measure its forecasts; or say why the world is refused."""
    try:
        seen, facts = _driven_world(name, seed, model, settings)
    except ConvergenceError as error:
        return {"refused": str(error)}
    _keep(seen, settings, name, seed, model, DRIVEN[name].models[model][1])
    return facts | driven.measure(seen, DRIVEN[name], _driven_film(name, settings.size, settings.motions))


def _floor(name: str, settings: Settings) -> dict[str, float]:
    return driven.floor(DRIVEN[name], _driven_film(name, settings.size, settings.motions))


def _agent(seed: int, settings: Settings) -> dict[str, Any]:
    """Balance the real pole from frames by the world that was learned from a recording, or is learned again."""
    folder = None if settings.runs is None else _folder(settings.runs, "cart-pole", seed, "HNN")
    if folder is None or not folder.exists():
        return cart_pole.balanced(_driven_world("cart-pole", seed, "HNN", settings)[0], episodes=settings.starts)
    return cart_pole.balanced(PixelWorld.load(folder), episodes=settings.starts)


def _driven_world(name: str, seed: int, model: str, settings: Settings) -> tuple[PixelWorld, dict[str, Any]]:
    torch.set_num_threads(1)
    setup = DRIVEN[name]
    dataset = _driven_recording(name, settings.size, seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # an unstable motion is forecast badly, which is measured here
        return _learned(dataset, setup.models[model][0], setup.scene, setup.horizons, settings)


def _keep(seen: PixelWorld, settings: Settings, name: str, seed: int, model: str, env_id: str | None) -> None:
    """Write a world where the settings say."""
    if settings.runs is not None:
        seen.save(_folder(settings.runs, name, seed, model), overwrite=True)
    if settings.weights is not None and env_id is not None and seed == settings.seeds[0]:
        seen.save(settings.weights / env_id, overwrite=True)


def _folder(runs: Path, name: str, seed: int, model: str) -> Path:
    """Of a world that is kept."""
    return runs / name / str(seed) / model


@lru_cache(maxsize=1)
def _driven_recording(name: str, size: int, seed: int) -> TransitionDataset:
    return driven.recorded(DRIVEN[name], size=size, seed=seed)


@lru_cache(maxsize=1)
def _driven_film(name: str, size: int, motions: int) -> driven.Film:
    return driven.filmed(DRIVEN[name], size=size, motions=motions)


@lru_cache(maxsize=1)  # the models of a recording follow each other
def _recording(name: str, size: int, seed: int) -> TransitionDataset:
    return setups.recorded(SETUPS[name], size=size, seed=seed)


@lru_cache(maxsize=1)
def _film(name: str, size: int, motions: int) -> setups.Film:
    return setups.filmed(SETUPS[name], size=size, motions=motions)


def _learned(
    dataset: TransitionDataset, twin: Twin, scene: Scene, horizons: tuple[int, ...], settings: Settings
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
    )
    facts: dict[str, Any] = {"cpu_seconds": round(time.process_time() - began, 1)}
    facts["figures"] = dict(seen.about["figures"])  # type: ignore[call-overload]
    if "inertia.log" in (seen.world.parameters or {}):
        facts["inertia_kg"] = float(np.exp(seen.world.parameters["inertia.log"][0]))  # type: ignore[index]
    return seen, facts


def table(results: Results, scene: str) -> str:
    """Every recording of a scene as a row of Markdown."""
    several, chaotic = SETUPS[scene].env_id != "Spring-v0", SETUPS[scene].chaotic
    rows = {}
    for key, found in results.below(f"{scene}/").items():
        seed, model = key.split("/")
        if "refused" in found:
            rows[f"{model}, recording {seed}"] = ["refused"]
            continue
        cells = [f"{found['cpu_seconds']:.0f}", f"{found['position_rms_pixels']:.3f}"]
        cells.append(_median_and_worst(found["steps_within_one_pixel"]))
        if chaotic:
            cells.append(_median_and_worst(found["true_map_steps_within_one_pixel"]))
        cells.append(_median_and_worst(found["vpt"]))
        cells.append(f"{100 * found['energy_band_median']:.2g}% / {100 * found['energy_band_worst']:.2g}%")
        if several:
            cells.append(f"{found['angular_momentum_change_worst']:.0e}")
        if several and not chaotic:
            bump = found.get("bump_error_share")
            cells.append("" if bump is None else f"{100 * bump['median']:.2g}% / {100 * bump['of_95_percent']:.2g}%")
        rows[f"{model}, recording {seed}"] = cells
    columns = [
        "training, CPU s",
        "positions, rms pixels",
        "steps within one pixel, median / worst film",
        *(["the true map"] if chaotic else []),
        "VPT, median / worst film",
        "band of the true energy, median / worst film",
        *(["angular momentum, largest change"] if several else []),
        *(["error of a bump of 0.02 J, median / 95 % of states"] if several and not chaotic else []),
    ]
    full = {name: cells + [""] * (len(columns) - len(cells)) for name, cells in sorted(rows.items())}
    return markdown_table(columns, full)


def _median_and_worst(found: Mapping[str, Any]) -> str:
    return f"{found['median']:.0f} / {found['worst']}"


def driven_table(results: Results, scene: str) -> str:
    """Every recording of what moves under actions as a row of Markdown."""
    agents = scene == "cart-pole"
    rows = {}
    for key, found in results.below(f"{scene}/").items():
        seed, model = key.split("/")
        if "refused" in found:
            rows[f"{model}, recording {seed}"] = ["refused"]
            continue
        cells = [f"{found['cpu_seconds']:.0f}", f"{found['position_rms_pixels']:.3f}"]
        for what in ("steps_within_one_pixel", "vpt"):
            cells += [_median_and_worst(found[f"{of}{what}"]) for of in ("", "true_map_")]
        agent = f"agent/{seed}/{model}"
        if agents and agent in results:
            returns = results[agent]["returns"]
            cells.append(f"{sum(value >= 500 for value in returns)} of {len(returns)}")
        rows[f"{model}, recording {seed}"] = cells
    columns = [
        "training, CPU s",
        "positions, rms pixels",
        "steps within one pixel, median / worst film",
        "the true map",
        "VPT, median / worst film",
        "the true map",
        *(["500 steps balanced from frames"] if agents else []),
    ]
    full = {name: cells + [""] * (len(columns) - len(cells)) for name, cells in sorted(rows.items())}
    return markdown_table(columns, full)


def main(settings: Settings) -> None:
    """Run the experiment."""
    torch.set_num_threads(1)
    console = Console()
    results = study(settings, console)
    for scene in settings.scenes:
        if scene in DRIVEN or SETUPS[scene].models:
            console.print((driven_table if scene in DRIVEN else table)(results, scene))
    if {setups.FIVE, setups.FIVE_ALIKE} & set(settings.scenes):
        console.print(identities.table(results))
