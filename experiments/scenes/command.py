"""Springs, bodies and a cart-pole from frames: ``python -m experiments.scenes --out docs/results/scenes.json``.

For each of several recordings the command films the environment under random actions, learns an HNN and a second-order
network without physics from the frames by one method, and forecasts unforced motion that neither has seen. If it is
interrupted, the same command continues.
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

from experiments.scenes import accelerations, cart_pole, figures, identities, measures, setups
from experiments.scenes.setups import SETUPS
from hnn_gym.data import TransitionDataset
from hnn_gym.envs.shipped import resolve_pixel_world
from hnn_gym.errors import ConvergenceError, InputError
from hnn_gym.evaluation import markdown_table
from hnn_gym.models.pixel import Bodies, Scene
from hnn_gym.studies import Executing, Execution, Results, run_cells
from hnn_gym.systems import SYSTEMS, Twin
from hnn_gym.training.pixel_settings import PixelSettings
from hnn_gym.training.pixels import train_pixel_world
from hnn_gym.worlds.pixel_world import PixelWorld

COMMAND = "python -m experiments.scenes"
CART_POLE = "cart-pole"


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
    scenes: tuple[str, ...] = (*SETUPS, CART_POLE)
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
            if name not in (*SETUPS, CART_POLE):
                raise InputError(f"There is no scene {name!r}: choose from {', '.join((*SETUPS, CART_POLE))}.")


def study(settings: Settings, console: Console) -> Results:
    """Make all measurements that are missing, and draw the films."""
    results = Results(settings.out, command=COMMAND)
    cells: dict[str, Callable[[], Any]] = {}
    for name, seed in product((name for name in settings.scenes if name in SETUPS), settings.seeds):
        if name in (setups.FIVE, setups.FIVE_ALIKE):
            cells[f"identities/{seed}/{name}"] = partial(_identities, name, seed, settings)
        if name == "three bodies":
            cells[f"accelerations/{seed}"] = partial(accelerations.known, seed, steps=SETUPS[name].steps)
        for model in SETUPS[name].models:
            cells[f"{name}/{seed}/{model}"] = partial(measured, name, seed, model, settings)
    if CART_POLE in settings.scenes:
        cells |= {
            f"{CART_POLE}/{seed}/{model}": partial(_cart_pole, seed, model, settings)
            for seed in settings.seeds
            for model in cart_pole.MODELS
        }
        cells |= {f"agent/{seed}/HNN": partial(_agent, seed, settings) for seed in settings.seeds if settings.starts}
        cells["floor/cart-pole"] = partial(_cart_pole_floor, settings)
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
    """Draw the first film of a scene beside the shipped worlds, if there are any."""
    if name == CART_POLE:
        film: Any = _cart_pole_film(settings.size, settings.motions)
        context = cart_pole.CONTEXT
        ids = {model: f"{prefix}PixelCartPole-v0" for model, prefix in cart_pole.MODELS.items()}
    else:
        film, context = _film(name, settings.size, settings.motions), SETUPS[name].context
        ids = {model: env_id for model, (_, env_id) in SETUPS[name].models.items() if env_id is not None}
    dreams = {}
    for model, env_id in ids.items():
        seen = resolve_pixel_world(env_id)
        assert seen is not None
        if name == CART_POLE:
            dreams[model] = (
                seen,
                cart_pole.dreamt(seen, film._replace(**{k: v[:1] for k, v in film._asdict().items()}))[0],
            )
        else:
            q = measures.encoded(seen, film.frames[:1, : context + 1])
            dreams[model] = (
                seen,
                measures.forecast(seen.world, q, steps=SETUPS[name].horizon)[0, :, : seen.world.coordinates.n],
            )
    if dreams:
        figures.draw(film.frames[0, context:], dreams, path)


def _cart_pole(seed: int, model: str, settings: Settings) -> dict[str, Any]:
    """Learn a cart-pole from a recording, and measure its forecasts."""
    seen, facts = _cart_pole_world(seed, model, settings)
    _keep(seen, settings, CART_POLE, seed, model, f"{cart_pole.MODELS[model]}PixelCartPole-v0")
    return facts | cart_pole.measure(seen, _cart_pole_film(settings.size, settings.motions))


def _cart_pole_floor(settings: Settings) -> dict[str, float]:
    return cart_pole.floor(_cart_pole_film(settings.size, settings.motions))


def _agent(seed: int, settings: Settings) -> dict[str, Any]:
    """Balance the real pole from frames by the world that was learned from a recording, or is learned again."""
    folder = None if settings.runs is None else settings.runs / CART_POLE / str(seed) / "HNN"
    if folder is None or not folder.exists():
        return cart_pole.balanced(_cart_pole_world(seed, "HNN", settings)[0], episodes=settings.starts)
    return cart_pole.balanced(PixelWorld.load(folder), episodes=settings.starts)


def _cart_pole_world(seed: int, model: str, settings: Settings) -> tuple[PixelWorld, dict[str, Any]]:
    torch.set_num_threads(1)
    twin = SYSTEMS["CartPole-v1"].pixel_twins[cart_pole.MODELS[model]]
    dataset = _cart_pole_recording(settings.size, seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # an unstable motion is forecast badly, which is measured here
        return _learned(dataset, twin, cart_pole.SCENE, cart_pole.HORIZONS, settings)


def _keep(seen: PixelWorld, settings: Settings, name: str, seed: int, model: str, env_id: str | None) -> None:
    """Write a world where the settings say."""
    if settings.runs is not None:
        seen.save(settings.runs / name / str(seed) / model, overwrite=True)
    if settings.weights is not None and env_id is not None and seed == settings.seeds[0]:
        seen.save(settings.weights / env_id, overwrite=True)


@lru_cache(maxsize=1)
def _cart_pole_recording(size: int, seed: int) -> TransitionDataset:
    return cart_pole.recorded(size=size, seed=seed)


@lru_cache(maxsize=1)
def _cart_pole_film(size: int, motions: int) -> cart_pole.Film:
    return cart_pole.filmed(size=size, motions=motions)


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


def identities_table(results: Results) -> str:
    """Five bodies in every recording, in five colours and in one, as rows of Markdown."""
    rows = {}
    for key, found in results.below("identities/").items():
        seed, name = key.split("/")
        numbers = ("frames", "right", "meetings", "exchanged", "doubtful", "with_a_hidden_body")
        rows[f"{name}, recording {seed}"] = [
            *(f"{found[number]:,}" for number in numbers),
            f"{found['position_rms_pixels']:.3f}",
        ]
    columns = [
        "frames",
        "all bodies are who they were",
        "two bodies meet",
        "bodies exchanged",
        "frames reported as doubtful",
        "frames with a hidden body",
        "positions, rms pixels",
    ]
    return markdown_table(columns, dict(sorted(rows.items())))


def cart_pole_table(results: Results) -> str:
    """Every recording of the cart-pole as a row of Markdown."""
    rows = {}
    for key, found in results.below(f"{CART_POLE}/").items():
        seed, model = key.split("/")
        cells = [f"{found['cpu_seconds']:.0f}", f"{found['position_rms_pixels']:.3f}"]
        for what in ("steps_within_one_pixel", "vpt"):
            cells += [_median_and_worst(found[f"{of}{what}"]) for of in ("", "true_map_")]
        agent = f"agent/{seed}/{model}"
        returns = results[agent]["returns"] if agent in results else []
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
        console.print(cart_pole_table(results) if scene == CART_POLE else table(results, scene))
    if {setups.FIVE, setups.FIVE_ALIKE} & set(settings.scenes):
        console.print(identities_table(results))
