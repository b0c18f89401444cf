"""The quickstart of Pendulum-v1: record it, learn it with and without physics, and compare both with its true H."""

from __future__ import annotations

import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from hnn_gym.data import TransitionDataset, record_steps
from hnn_gym.data.provenance import installed_versions
from hnn_gym.envs import SimulatorEnv
from hnn_gym.errors import ConvergenceError
from hnn_gym.evaluation import plots
from hnn_gym.evaluation.metrics import prediction_error, unforced
from hnn_gym.evaluation.report import markdown_table, write_gif
from hnn_gym.quickstart.settings import PAGE, QuickstartSettings, Rows
from hnn_gym.systems import true_world
from hnn_gym.training import FitSettings, observation_scale, one_step_rms, train_world
from hnn_gym.training import Progress as FitProgress
from hnn_gym.worlds.world_model import WorldModel

_ENV = "Pendulum-v1"
_TRANSITIONS = 200
_MODELS = {"HNN": "mechanical", "baseline": "baseline"}
_STARTS, _STEPS = 20, 200
_SHOWN_START = np.array([2.0]), np.array([0.0])
_SHOWN_STEPS = 2000
_FILM_FPS, _FILM_FORCED_STEPS = 20, 40

_ABOUT = """
Errors are those of the observation (cos, sin, w/8), as the RMS over its three entries, on new recordings of the real
Pendulum-v1: {starts} episodes from random starts. The float32 observations leave an error of about 1e-8 even for the
true map, which is the column "real": the true H in the same environment as the learned worlds.

The energy is the *true* one along unforced motions from those starts, in J, because a learned H that is conserved
along its own motion would prove nothing. The change is the largest difference to the start. The energy of the real
map oscillates too, because it is symplectic Euler at 0.05 s: a learned world should change as much, and no more.

How to read the table: on data without noise a good network without physics comes close in one-step error, above all
one that knows what a velocity is (`train_world(dataset, "second-order")`). Near the top the pendulum is chaotic, and
in every model a small error grows to its full size within {steps} steps. What a Hamiltonian adds shows in the energy
over thousands of steps. This is one recording; `python -m experiments.pendulum` measures five.

![phase portrait](phase_portrait.png)

Level sets of the learned H, the {transitions} recorded transitions, and {shown:,} unforced steps of each world from 2
rad at rest. The motions of the real map and of the HNN are tilted against the level sets, because both are stepped by
symplectic Euler, which conserves an energy that differs slightly from H. A motion that fills a band gains or loses
energy.

![energy](energy.png)

The same motions: their true energy, that of the HNN by its learned H, and the largest change so far.

![film](side_by_side.gif)

The same start and the same torque, random for 2 s and then zero, in the real environment and in both learned ones;
the true energy is shown below each.

[world.html](world.html) is the HNN in a browser: open it by a double click, push it, give it energy, reverse its time.

The learned worlds are saved in this folder. To step them in Python:

    import gymnasium, hnn_gym
    env = gymnasium.make("HNN-v0", world_model="{out}/hnn")  # or {out}/baseline
"""


def compare(settings: QuickstartSettings, folder: Path, console: Console) -> tuple[dict[str, Any], Rows]:
    """Record, learn and compare, and fill the folder of a report but for its results.

    Returns:
        The numbers of the report, and the cells of its table for the columns "real", "HNN" and "baseline".

    Raises:
        InputError: a setting is out of range.
        ConvergenceError: a fit diverged.
    """
    steps = settings.transitions or _TRANSITIONS
    console.print(f"Recording {steps} transitions of the real {_ENV} ...")
    dataset = record_steps(gymnasium.make(_ENV), steps=steps, seed=settings.seed)
    truth = true_world(_ENV)
    learned, seconds = _learn(dataset, settings.fit(FitSettings()), console)
    worlds = {"real": truth, **learned}
    console.print("Stepping real, HNN and baseline side by side ...")
    results = _measure(worlds, seconds, settings)
    _draw(folder, worlds, dataset)
    films, notes = _film(worlds, settings)
    write_gif(folder / "side_by_side.gif", films, fps=_FILM_FPS, notes=notes)
    for name, world in learned.items():
        world.save(folder / name.lower())
    rows = _rows(results)
    text = f"# {title(settings)}\n\n{markdown_table(list(results['rows']), rows)}{_about(settings)}"
    (folder / PAGE).write_text(text, encoding="utf-8")
    return results, rows


def _learn(
    dataset: TransitionDataset, fit: FitSettings, console: Console
) -> tuple[dict[str, WorldModel], dict[str, float]]:
    worlds, seconds = {}, {}
    columns = TextColumn("{task.description:<18}"), BarColumn(), TextColumn("{task.fields[error]}"), TimeElapsedColumn()
    with Progress(*columns, console=console) as bars:
        for name, model in _MODELS.items():
            total = fit.adam_steps + fit.lbfgs_steps
            task = bars.add_task(f"Learning {name}", total=total, error="")

            def report(progress: FitProgress, _: object, task: Any = task) -> None:
                done = progress.step + (fit.adam_steps if progress.stage == "lbfgs" else 0)
                bars.update(task, completed=done, error=f"rms {progress.loss**0.5:.1e}")

            began = time.perf_counter()
            worlds[name] = train_world(dataset, model, settings=fit, report=report)
            seconds[name] = time.perf_counter() - began
            bars.update(task, completed=total)  # L-BFGS may have converged before its last iteration
    return worlds, seconds


def _measure(worlds: dict[str, WorldModel], seconds: dict[str, float], settings: QuickstartSettings) -> dict[str, Any]:
    """Errors on new recordings, and true energies over long motions from their starts."""
    truth = worlds["real"]
    pushed, free = (
        record_steps(gymnasium.make(_ENV), steps=_STARTS * _STEPS, seed=settings.seed + 10_000, policy=policy)
        for policy in ("random", "zero")
    )
    starts = np.array([episode.observation[0] for episode in free], np.float64)
    scale = observation_scale(truth.coordinates, starts)
    rows: dict[str, Any] = {}
    for name, world in worlds.items():
        late = {}
        for case, recording in (("random_torque", pushed), ("unforced", free)):
            windows = recording.windows(_STEPS)
            late[case] = prediction_error(world, windows.observation, windows.action, scale=scale)[:, -1]
        motion = unforced(world, truth, *truth.coordinates.state(starts), steps=settings.drift_steps)
        with np.errstate(all="ignore"):
            one_step = one_step_rms(world, pushed)
        rows[name] = {
            "one_step_rms": float(np.nan_to_num(one_step, nan=np.inf, posinf=np.inf)),
            "error_after_200_steps": late,
            "true_energy_change_J": motion.largest_change,
            "inertia": float(world.dynamics.momentum(np.zeros(1), np.ones(1))[0]) if world.has_energy else None,
            "fit_seconds": seconds.get(name),
        }
    versions = installed_versions(("hnn_gym", "gymnasium", "torch", "numpy", "scipy"))
    return {"settings": asdict(settings) | {"out": str(settings.out)}, "versions": versions, "rows": rows}


def _draw(folder: Path, worlds: dict[str, WorldModel], dataset: TransitionDataset) -> None:
    truth, hnn = worlds["real"], worlds["HNN"]
    recorded = truth.coordinates.state(np.asarray(dataset.transitions().observation, np.float64))
    motions = {name: unforced(world, truth, *_SHOWN_START, steps=_SHOWN_STEPS) for name, world in worlds.items()}
    learned = hnn.energy(hnn.phase_point(motions["HNN"].q, motions["HNN"].v))
    plots.save(plots.phase_portrait(hnn, truth, recorded, motions), folder / "phase_portrait.png")
    plots.save(plots.energy_over_time(motions, dt=truth.dt, learned=learned), folder / "energy.png")


def _film(
    worlds: dict[str, WorldModel], settings: QuickstartSettings
) -> tuple[dict[str, list[np.ndarray]], dict[str, list[str]]]:
    """Frames of one motion in each world, and a note for each frame: the time and the true energy."""
    truth, real = worlds["real"], gymnasium.make(_ENV, render_mode="rgb_array").unwrapped
    real.reset(seed=settings.seed)
    start = np.asarray(real.state)  # type: ignore[attr-defined]
    envs: dict[str, Any] = {"real": real}
    for name in _MODELS:
        envs[name] = SimulatorEnv(worlds[name], render_mode="rgb_array")
        envs[name].reset(options={"state": start})
    torques = np.random.default_rng(settings.seed).uniform(-2, 2, (settings.film_steps, 1)).astype(np.float32)
    torques[_FILM_FORCED_STEPS:] = 0
    films: dict[str, list[np.ndarray]] = {name: [] for name in envs}
    notes: dict[str, list[str]] = {name: [] for name in envs}
    for name, env in envs.items():
        for k in range(len(torques) + 1):
            moves = k == 0 or _stepped(env, torques[k - 1])
            with np.errstate(all="ignore"):
                energy = float(truth.energy(truth.phase_point(*np.split(np.asarray(env.state), 2))))
            films[name].append(_middle(env.render()))
            sound = moves and np.isfinite(energy)
            notes[name].append(f"{k / _FILM_FPS:.1f} s   {energy:.2f} J" if sound else "blew up")
        env.close()
    return films, notes


def _stepped(env: Any, torque: np.ndarray) -> bool:
    """Take a step; return False if a baseline reached numbers that are not finite, and so keeps its state."""
    try:
        with np.errstate(all="ignore"):
            env.step(torque)
    except ConvergenceError:
        return False
    return True


def _middle(frame: np.ndarray) -> np.ndarray:
    """The part of a frame that the rod can reach."""
    edge = len(frame) * 2 // 9
    return frame[edge:-edge, edge:-edge]


def title(settings: QuickstartSettings) -> str:
    """The title of the table."""
    steps = settings.transitions or _TRANSITIONS
    return f"{_ENV}, learned from {steps} transitions, tested on {_STARTS} fresh starts"


def _rows(results: dict[str, Any]) -> Rows:
    """The cells of each row of the table, one for each world, by the row's label."""
    rows = results["rows"].values()

    def cells(form: str, values: list[float | None]) -> list[str]:
        return ["-" if v is None else form.format(v) if np.isfinite(v) else "blew up" for v in values]

    table = {"one-step RMS error": cells("{:.1e}", [row["one_step_rms"] for row in rows])}
    for case, words in (("random_torque", "random torque"), ("unforced", "no torque")):
        late = [row["error_after_200_steps"][case] for row in rows]
        table[f"{_STEPS}-step error, {words}, median"] = cells("{:.1e}", [np.median(e) for e in late])
        table[f"{_STEPS}-step error, {words}, worst"] = cells("{:.1e}", [e.max() for e in late])
    change, steps = [row["true_energy_change_J"] for row in rows], results["settings"]["drift_steps"]
    table[f"true-energy change, {steps:,} steps, median (J)"] = cells("{:.3f}", [np.median(c) for c in change])
    table[f"true-energy change, {steps:,} steps, worst (J)"] = cells("{:.3f}", [c.max() for c in change])
    table["inertia (kg m^2), true: 1/3"] = cells("{:.4f}", [row["inertia"] for row in rows])
    table["seconds to learn"] = cells("{:.1f}", [row["fit_seconds"] for row in rows])
    return table


def _about(settings: QuickstartSettings) -> str:
    steps = settings.transitions or _TRANSITIONS
    return _ABOUT.format(
        starts=_STARTS, steps=_STEPS, shown=_SHOWN_STEPS, transitions=steps, out=settings.out.as_posix()
    )
