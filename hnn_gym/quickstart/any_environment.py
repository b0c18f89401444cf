"""The quickstart of any environment: record it, infer its map, learn it with and without physics, and compare.

Nothing is known of the physics here, so that real episodes that no model has seen are the measure: how far each model's
forecast is from them after one step and after many, under the recorded actions.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import asdict
from pathlib import Path
from textwrap import fill
from typing import Any

import gymnasium
import numpy as np
from rich.console import Console

from hnn_gym.data import TransitionDataset, record_steps
from hnn_gym.data.environment import make_environment
from hnn_gym.data.provenance import installed_versions
from hnn_gym.envs import SimulatorEnv
from hnn_gym.errors import ConvergenceError, InputError
from hnn_gym.evaluation import plots
from hnn_gym.evaluation.forecasts import Forecasts, forecasts_of
from hnn_gym.evaluation.report import markdown_table, write_gif
from hnn_gym.quickstart.settings import PAGE, QuickstartSettings, Rows
from hnn_gym.training import FitSettings, train_auto, train_world
from hnn_gym.worlds.world_model import WorldModel

_TRANSITIONS, _FRESH = 2_000, 2_000
_NETWORK = {"hidden": (32,)}
_COLOURS = re.compile(r"\x1b\[\d*m")  # of Gymnasium's messages in a terminal
_FIT = FitSettings(adam_steps=100, lbfgs_steps=0, least_squares_steps=60)
"""How the network is fitted."""
_LONGEST = 200
_SHORT = 50
_FPS = 20
FIGURE, FILM = "forecasts.png", "side_by_side.gif"

_ABOUT = """
Each model begins at observed states of {fresh:,} new real steps under random actions, and forecasts what follows under
the recorded actions. Errors are in standard deviations of each observation entry; after a forecast the worst entry
counts, and of {windows} forecasts the median and the worst one in ten are shown. Both models are learned from the same
{transitions:,} transitions through the same time-stepping scheme, and step by it here. The HNN's environment steps
symplectically by default, which keeps its energy; `stepping="recorded"` chooses the scheme of the recording.

{sentences}

![forecasts](forecasts.png)

On the left the median error grows with the length of the forecast. On the right is one real episode, and the forecasts
of both models from its first observation.
{film}
[world.html](world.html) is the HNN in a browser: open it by a double click, push it, give it energy, reverse its time.

The learned worlds are saved in this folder. To step them in Python:

    import gymnasium, hnn_gym
    env = gymnasium.make("HNN-v0", world_model="{out}/hnn")  # or {out}/baseline
"""
_SHOWN = """
![film](side_by_side.gif)

The same start and the same random actions in the real environment and in both learned ones.
"""


def compare(settings: QuickstartSettings, folder: Path, console: Console) -> tuple[dict[str, Any], Rows]:
    """Record, learn and compare, and fill the folder of a report but for its results.

    Returns:
        The numbers of the report, and the cells of its table for the columns "HNN" and "baseline".

    Raises:
        InputError: there is no such environment, or it cannot be recorded or learned.
        ConvergenceError: no model with physics could be trained.
    """
    steps = settings.transitions or _TRANSITIONS
    console.print(f"Recording {steps:,} transitions of the real {settings.env} ...", soft_wrap=True)
    dataset, fresh = (
        _recorded(settings, steps=count, seed=seed)
        for count, seed in ((steps, settings.seed), (_FRESH, settings.seed + 10_000))
    )

    def tell(sentence: str) -> None:
        console.print(sentence, soft_wrap=True)

    worlds, seconds = _learn(dataset, settings, tell)
    chosen = worlds["HNN"].card.get("selection", {}).get("words", [])
    found = {name: forecasts_of(world, fresh) for name, world in worlds.items()}
    results = _results(found, worlds, seconds, settings)
    shown = max(fresh, key=lambda episode: len(episode.action))
    figure = plots.forecasts(
        {name: forecasts.median for name, forecasts in found.items()},
        *_shown_motion(worlds, shown),
        dt=worlds["HNN"].dt,
        label=_label(worlds["HNN"]),
    )
    plots.save(figure, folder / FIGURE)
    filmed = _film(folder, worlds, settings)
    for name, world in worlds.items():
        world.save(folder / name.lower())
    rows = _rows(results)
    about = _ABOUT.format(
        fresh=_FRESH,
        windows=len(found["HNN"].error),
        transitions=steps,
        sentences=fill(" ".join([*worlds["HNN"].card.get("inferred", []), *chosen]), 118, break_on_hyphens=False),
        film=_SHOWN if filmed is None else f"\nThere is no film: {filmed}\n",
        out=settings.out.as_posix(),
    )
    text = f"# {title(settings)}\n\n{markdown_table(list(results['rows']), rows)}{about}"
    (folder / PAGE).write_text(text, encoding="utf-8")
    return results, rows


def title(settings: QuickstartSettings) -> str:
    """The title of the table."""
    steps = settings.transitions or _TRANSITIONS
    return f"{settings.env}, learned from {steps:,} transitions, tested on {_FRESH:,} fresh ones"


def _recorded(settings: QuickstartSettings, *, steps: int, seed: int) -> TransitionDataset:
    with closing(make_environment(settings.env, {})) as env:
        return record_steps(env, steps=steps, seed=seed)


def _learn(
    dataset: TransitionDataset, settings: QuickstartSettings, tell: Callable[[str], None]
) -> tuple[dict[str, WorldModel], dict[str, float]]:
    worlds, seconds = {}, {}
    began = time.perf_counter()
    if settings.model == "auto":
        worlds["HNN"] = train_auto(dataset, seed=settings.seed, tell=tell)
    else:
        worlds["HNN"] = train_world(dataset, settings.model, settings=settings.fit(FitSettings()))
    seconds["HNN"] = time.perf_counter() - began
    tell("Learning the network without physics.")
    began = time.perf_counter()
    first = worlds["HNN"]
    worlds["baseline"] = train_world(
        dataset,
        "second-order",
        settings=settings.fit(_FIT),
        options=_NETWORK,
        coordinates=first.coordinates,
        integrator=first.integrator,
        dt=first.dt,
    )
    seconds["baseline"] = time.perf_counter() - began
    return worlds, seconds


def _results(
    found: dict[str, Forecasts], worlds: dict[str, WorldModel], seconds: dict[str, float], settings: QuickstartSettings
) -> dict[str, Any]:
    rows = {}
    for name, forecasts in found.items():
        horizon = forecasts.error.shape[1]
        rows[name] = {
            "one_step": forecasts.one_step,
            "forecasts": {
                str(steps): {"median": float(np.median(error)), "worst_tenth": float(np.quantile(error, 0.9))}
                for steps in sorted({min(_SHORT, horizon), horizon})
                for error in [forecasts.error[:, steps - 1]]
            },
            "has_energy": worlds[name].has_energy,
            "learn_seconds": seconds[name],
        }
    versions = installed_versions(("hnn_gym", "gymnasium", "torch", "numpy", "scipy"))
    return {"settings": asdict(settings) | {"out": str(settings.out)}, "versions": versions, "rows": rows}


def _rows(results: dict[str, Any]) -> Rows:
    rows = results["rows"].values()

    def cells(values: list[float]) -> list[str]:
        return [f"{value:.1e}" if np.isfinite(value) else "blew up" for value in values]

    table = {"one-step RMS error (sd)": cells([row["one_step"] for row in rows])}
    for steps in next(iter(rows))["forecasts"]:
        for kind, words in (("median", "median"), ("worst_tenth", "worst tenth")):
            table[f"error after {steps} steps, {words} (sd)"] = cells([row["forecasts"][steps][kind] for row in rows])
    table["has an energy"] = ["yes" if row["has_energy"] else "no" for row in rows]
    table["seconds to learn"] = [f"{row['learn_seconds']:.1f}" for row in rows]
    return table


def _shown_motion(worlds: dict[str, WorldModel], episode: Any) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """One observation entry along a real episode ``(T + 1,)``, and the forecasts of it."""
    steps = min(len(episode.action), _LONGEST)
    observation = np.asarray(episode.observation, np.float64)[: steps + 1]
    entry = _entry(worlds["HNN"])
    motions = {}
    for name, world in worlds.items():
        action = np.asarray(episode.action)[:steps].reshape(steps, -1)
        pushed = np.asarray(world.coordinates.control_vector(action), np.float64)[:, None]
        try:
            with np.errstate(all="ignore"):
                path = world.rollout(
                    world.encode(observation[:1]), pushed if world.coordinates.controls else None, steps=steps
                )
                motions[name] = world.decode(path)[:, 0, entry]
        except ConvergenceError:
            motions[name] = np.full(steps + 1, np.nan)
    return observation[:, entry], motions


def _entry(world: WorldModel) -> int:
    """The observation entry that the figure shows: the last that is a position or the sine of an angle."""
    places = [degree.position if degree.sin is None else degree.sin for degree in world.coordinates.degrees]
    moving = [place for place, fixed in zip(places, world.coordinates.fixed, strict=True) if not fixed]
    return next((place for place in reversed(moving) if place is not None), 0)


def _label(world: WorldModel) -> str:
    return f"observation entry {_entry(world)}"


def _film(folder: Path, worlds: dict[str, WorldModel], settings: QuickstartSettings) -> str | None:
    """Film one motion in each world; returns why there is no film, or None if there is one."""
    try:
        real = make_environment(settings.env, {}, draws=True)
        seen, _ = real.reset(seed=settings.seed)
        films = {"real": [np.asarray(real.render())]}
    except Exception as error:  # drawing needs libraries and displays of all kinds
        return f"the real environment cannot be drawn here ({_COLOURS.sub('', str(error))})."
    flat = gymnasium.spaces.flatten(real.observation_space, seen)
    envs: dict[str, SimulatorEnv] = {}
    for name, world in worlds.items():
        try:
            envs[name] = SimulatorEnv(world, render_mode="rgb_array", stepping="recorded")
            state = np.concatenate(world.state(world.encode(np.asarray(flat, np.float64))))
            envs[name].reset(options={"state": state})
            films[name] = [np.asarray(envs[name].render())]
        except InputError as error:
            return f"the learned environment cannot be drawn ({error})"
    real.action_space.seed(settings.seed)
    running = set(films)
    for _ in range(settings.film_steps):
        action = real.action_space.sample()
        for name, env in {"real": real, **envs}.items():
            if name in running and not _goes_on(env, action):
                running.discard(name)
            films[name].append(np.asarray(env.render()) if name in running else films[name][-1])
        if "real" not in running:
            break
    for env in (real, *envs.values()):
        env.close()
    notes = {name: [f"{k} steps" for k in range(len(frames))] for name, frames in films.items()}
    write_gif(folder / FILM, films, fps=_FPS, notes=notes)
    return None


def _goes_on(env: Any, action: Any) -> bool:
    """Take a step; False where the episode has ended, or where a model reached numbers that are not finite."""
    try:
        with np.errstate(all="ignore"):
            _, _, terminated, truncated, _ = env.step(action)
    except ConvergenceError:
        return False
    return not (terminated or truncated)
