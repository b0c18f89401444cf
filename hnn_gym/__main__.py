"""The quickstart, ``python -m hnn_gym``: record a real pendulum, learn it twice, dream, compare."""

from __future__ import annotations

import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import torch
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from hnn_gym.command import run
from hnn_gym.data import TransitionDataset, record_steps
from hnn_gym.envs import SimulatorEnv
from hnn_gym.envs.true_worlds import true_world
from hnn_gym.errors import ConvergenceError
from hnn_gym.evaluation import plots
from hnn_gym.evaluation.metrics import prediction_error, unforced
from hnn_gym.evaluation.report import report_folder, write_gif, write_results
from hnn_gym.training import FitSettings, learn
from hnn_gym.training import Progress as FitProgress
from hnn_gym.world_model import WorldModel

_SCALE = np.array([1.0, 1.0, 8.0])
_MODELS = {"HNN": "mechanical", "baseline": "baseline"}
_SHOWN_START = np.array([2.0]), np.array([0.0])


@dataclass(frozen=True)
class Settings:
    """Record the real Pendulum-v1, learn an HNN and a baseline from it, and step all three side by side."""

    out: Path = Path("report")
    """Folder for the report; one of an earlier run is replaced."""
    transitions: int = 200
    """Real transitions to record, under random torque."""
    seed: int = 0
    """Seed of the recording and of the initial weights."""
    adam_steps: int = FitSettings.adam_steps
    """Steps of Adam, for both models."""
    lbfgs_steps: int = FitSettings.lbfgs_steps
    """Iterations of L-BFGS at the most, for both models."""
    drift_steps: int = 10_000
    """Unforced steps over which the energy is followed."""
    frames: int = 160
    """Frames of the film."""
    overwrite: bool = False
    """Replace ``out`` even if it is not a report."""


def quickstart(settings: Settings, console: Console) -> dict[str, Any]:
    """Run it all; return the numbers that the report holds.

    Raises:
        ExistingPathError: ``out`` exists and is not a report.
        InputError: it cannot be made.
        ConvergenceError: a fit diverged.
    """
    with report_folder(settings.out, overwrite=settings.overwrite) as folder:
        console.print(f"Recording {settings.transitions} transitions of the real Pendulum-v1 ...")
        dataset = record_steps(gymnasium.make("Pendulum-v1"), steps=settings.transitions, seed=settings.seed)
        truth = true_world("Pendulum-v1")
        worlds, seconds = _learn(dataset, settings, console)
        console.print("Stepping real, HNN and baseline side by side ...")
        results = _measure({"real": truth, **worlds}, truth, seconds, settings)
        _draw(folder, worlds, truth, dataset, settings)
        for name, world in worlds.items():
            world.save(folder / name.lower())
        write_results(folder, results)
    console.print(_table(results))
    return results


def _learn(
    dataset: TransitionDataset, settings: Settings, console: Console
) -> tuple[dict[str, WorldModel], dict[str, float]]:
    fit = FitSettings(adam_steps=settings.adam_steps, lbfgs_steps=settings.lbfgs_steps, seed=settings.seed)
    worlds, seconds = {}, {}
    columns = TextColumn("{task.description:<18}"), BarColumn(), TextColumn("{task.fields[error]}"), TimeElapsedColumn()
    with Progress(*columns, console=console) as bars:
        for name, model in _MODELS.items():
            task = bars.add_task(f"Learning {name}", total=fit.adam_steps + fit.lbfgs_steps, error="")

            def report(progress: FitProgress, _: object, task: Any = task) -> None:
                done = progress.step + (fit.adam_steps if progress.stage == "lbfgs" else 0)
                bars.update(task, completed=done, error=f"rms {progress.loss**0.5:.1e}")

            began = time.perf_counter()
            worlds[name] = learn(dataset, model, settings=fit, report=report)
            seconds[name] = time.perf_counter() - began
    return worlds, seconds


def _measure(
    worlds: dict[str, WorldModel], truth: WorldModel, seconds: dict[str, float], settings: Settings
) -> dict[str, Any]:
    fresh = record_steps(gymnasium.make("Pendulum-v1"), steps=20 * 200, seed=settings.seed + 10_000)
    single, long = fresh.windows(1), fresh.windows(200)
    starts = np.array([episode.observation[0] for episode in fresh], np.float64)
    q, v = truth.coordinates.state(starts)
    rows = {}
    for name, world in worlds.items():
        changes = unforced(world, truth, q, v, steps=settings.drift_steps).largest_change
        rows[name] = {
            "one_step_rms": float(prediction_error(world, single.observation, single.action, scale=_SCALE)[1]),
            "rms_after_200_steps": float(prediction_error(world, long.observation, long.action, scale=_SCALE)[-1]),
            "true_energy_change_median_J": float(np.median(changes)),
            "true_energy_change_worst_J": float(changes.max()),
            "inertia": float(world.dynamics.momentum(np.zeros(1), np.ones(1))[0]) if world.has_energy else None,
            "fit_seconds": seconds.get(name),
        }
    of = {"transitions": settings.transitions, "seed": settings.seed, "drift_steps": settings.drift_steps}
    return {**of, "rows": rows}


def _draw(
    folder: Path, worlds: dict[str, WorldModel], truth: WorldModel, dataset: TransitionDataset, settings: Settings
) -> None:
    everything = {"real": truth, **worlds}
    recorded = truth.coordinates.state(np.asarray(dataset.transitions().observation, np.float64))
    motions = {name: unforced(world, truth, *_SHOWN_START, steps=2000) for name, world in everything.items()}
    orbits = {name: unforced(world, truth, *_SHOWN_START, steps=400) for name, world in everything.items()}
    portrait = plots.phase_portrait(worlds["HNN"], truth, recorded, orbits)
    plots.save(portrait, folder / "phase_portrait.png")
    plots.save(plots.energy_over_time(motions, dt=truth.dt), folder / "energy.png")
    write_gif(folder / "side_by_side.gif", _films(worlds, settings), fps=20)


def _films(worlds: dict[str, WorldModel], settings: Settings) -> dict[str, list[np.ndarray]]:
    """Frames of the same start under the same torque: 2 s of random torque, then none."""
    envs: dict[str, gymnasium.Env[Any, Any]] = {
        "real": gymnasium.make("Pendulum-v1", render_mode="rgb_array", max_episode_steps=10_000)
    }
    envs |= {name: SimulatorEnv(world, render_mode="rgb_array") for name, world in worlds.items()}
    start = np.concatenate(_SHOWN_START)
    rng = np.random.default_rng(settings.seed)
    torques = [rng.uniform(-2, 2, 1) if k < 40 else np.zeros(1) for k in range(settings.frames)]
    films: dict[str, list[np.ndarray]] = {}
    for name, env in envs.items():
        env.reset(seed=settings.seed)
        env.unwrapped.state = start.copy()  # type: ignore[attr-defined]
        films[name] = []
        for torque in torques:
            with suppress(ConvergenceError):  # a baseline may blow up; its film then stands still
                env.step(torque.astype(np.float32))
            films[name].append(np.asarray(env.render()))
        env.close()
    return films


def _table(results: dict[str, Any]) -> Table:
    table = Table(title=f"Learned from {results['transitions']} transitions, tested on 20 fresh episodes")
    table.add_column("")
    rows = results["rows"]
    for name in rows:
        table.add_column(name, justify="right")
    lines = {
        "one-step RMS error of (cos, sin, w/8)": ("one_step_rms", "{:.1e}"),
        "the same after 200 steps of random torque": ("rms_after_200_steps", "{:.1e}"),
        "inertia in kg m^2 (true: 0.3333)": ("inertia", "{:.4f}"),
        f"true energy, largest change in {results['drift_steps']} unforced steps, median (J)": (
            "true_energy_change_median_J",
            "{:.3f}",
        ),
        "the same, worst of 20 starts (J)": ("true_energy_change_worst_J", "{:.3f}"),
        "seconds to learn": ("fit_seconds", "{:.1f}"),
    }
    for label, (key, form) in lines.items():
        table.add_row(label, *("-" if row[key] is None else form.format(row[key]) for row in rows.values()))
    return table


def _main(settings: Settings) -> None:
    torch.set_num_threads(1)
    console = Console()
    quickstart(settings, console)
    console.print(
        f"Figures and a film are in {settings.out}. The real map ripples too: it is symplectic Euler. Step what was "
        "learned:\n"
        f'  gymnasium.make("HNN-v0", world_model="{settings.out / "hnn"}")'
    )


if __name__ == "__main__":
    run(_main, Settings, prog="python -m hnn_gym")
