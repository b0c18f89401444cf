"""The figures and the film of one subject, written into a folder."""

from __future__ import annotations

from pathlib import Path

import gymnasium
import numpy as np

from experiments.gallery.scenes import scene_of
from experiments.gallery.subjects import Subject
from experiments.paper.tasks import SIMULATED
from hnn_gym.envs.build import build_simulator
from hnn_gym.envs.counterfactuals import counterfactual
from hnn_gym.evaluation import plots
from hnn_gym.evaluation.report import save_gif
from hnn_gym.physics.phase import split

NAMES = {
    "spring": plots.Names("q (m)", "p (kg m/s)", square="m², (kg m/s)²"),
    "pendulum": plots.Names("q (rad)", "p (kg m²/s)", square="rad², (kg m²/s)²"),
    "real-pendulum": plots.Names("q (rad)", "p (rad/s)", energy="rad²/s²", square="rad², (rad/s)²"),
}
"""Labels of the axes. The real pendulum's p is its recorded velocity, and its mass is unknown."""
_ARROWS = 17
_FILM_FPS, _FILM_FRAMES = 12, 121
_SHIPPED_STEPS = 400
_BUMP_START, _BUMP_STEPS, _BUMP = [0.5, 0.0], {"before": 63, "all": 189}, 0.5


def draw(subject: Subject, folder: Path, *, frames: int = _FILM_FRAMES) -> None:
    """Draw everything about a subject: one degree of freedom in the phase plane, bodies as orbits."""
    if subject.task in NAMES:
        _draw_plane(subject, folder)
    else:
        _draw_orbits(subject, folder)
    _draw_film(subject, folder, frames)


def draw_bump(folder: Path) -> None:
    """The article's bump: the learned spring from 0.25 J to 0.75 J, and its motion without the bump."""
    with gymnasium.make("HNNSpring-v0") as env:
        env.reset(options={"state": _BUMP_START})
        result = counterfactual(env, np.zeros((_BUMP_STEPS["all"], 1)), bumps={_BUMP_STEPS["before"]: _BUMP})
    result.save_figure(folder / "energy-bump.png")


def draw_shipped(folder: Path, *, frames: int = _FILM_FRAMES) -> None:
    """The film of the README, on white and on dark: the shipped worlds of two bodies beside the true ones, 40 s."""
    learned, baseline = (build_simulator(f"{prefix}TwoBody-v0") for prefix in ("HNN", "Baseline"))
    truth = learned.truth
    assert truth is not None
    q, v = learned.task.initial(np.random.default_rng(0), {})
    some = np.linspace(0, _SHIPPED_STEPS, frames).round().astype(int)
    positions, energy = {}, {}
    for name, world in (("real", truth), ("HNN", learned.world), ("baseline", baseline.world)):
        x = world.rollout(world.phase_point(q, v), np.zeros((_SHIPPED_STEPS, 2)))[some]
        positions[name], velocities = world.state(x)
        energy[name] = truth.energy(truth.phase_point(positions[name], velocities))
    scene = scene_of("two-body", half_width=1.7 * float(abs(positions["real"]).max()))
    names = {"real": "true", "HNN": "learned, with an H", "baseline": "learned, without physics"}
    film = plots.film(scene, some * truth.dt, positions, energy, names=names)
    save_gif(folder / "shipped.gif", film, fps=_FILM_FPS)
    plots.save_dark_twin(folder / "shipped.gif", folder / "shipped-dark.gif")


def _draw_plane(subject: Subject, folder: Path) -> None:
    names = NAMES[subject.task]
    extent = 1.08 * float(max(np.abs(subject.recorded[0]).max(), np.abs(subject.paths[subject.truth]).max()))
    side = np.linspace(-extent, extent, _ARROWS)
    grid = np.stack(np.meshgrid(side, side), axis=-1)
    fields = {name: model.field(grid) for name, model in subject.dynamics.items()}
    figure = plots.vector_fields(subject.recorded, grid, fields, subject.paths, names=names)
    plots.save(figure, folder / f"{subject.task}-fields.png")
    hnn = subject.dynamics["HNN"].hamiltonian
    assert hnn is not None
    learned = {name: hnn.energy(path) for name, path in subject.paths.items()}
    energy = {name: subject.energy(path) for name, path in subject.paths.items()}
    figure = plots.four_columns(subject.time, subject.paths, learned, energy, names=names)
    plots.save(figure, folder / f"{subject.task}-motion.png")


def _draw_orbits(subject: Subject, folder: Path) -> None:
    system = SIMULATED[subject.task].system
    order = (subject.truth, "ours", "HNN", "baseline")
    halves = {name: split(subject.paths[name]) for name in order}
    figure = plots.orbits(
        subject.time,
        {name: q.reshape(len(q), -1, 2) for name, (q, _) in halves.items()},
        {name: system.kinetic(p) for name, (_, p) in halves.items()},
        {name: system.potential(q) for name, (q, _) in halves.items()},
        half_width=_half_width(subject),
    )
    plots.save(figure, folder / f"{subject.task}-orbits.png")


def _draw_film(subject: Subject, folder: Path, frames: int) -> None:
    points = len(subject.time)
    some = np.linspace(0, points - 1, min(frames, points)).round().astype(int)
    shown = {name: subject.paths[name][some] for name in (subject.truth, "HNN", "baseline")}
    positions = {name: split(path)[0] for name, path in shown.items()}
    energy = {name: subject.energy(path) for name, path in shown.items()}
    scene = scene_of(subject.task, half_width=_half_width(subject))
    unit = NAMES[subject.task].energy if subject.task in NAMES else "J"
    film = plots.film(scene, subject.time[some], positions, energy, energy_unit=unit)
    save_gif(folder / f"{subject.task}.gif", film, fps=_FILM_FPS)


def _half_width(subject: Subject) -> float:
    """Half width of pictures of positions: it shows all worlds, up to 1.7 times the largest distance of the truth."""
    reach = {name: float(np.abs(split(path)[0]).max()) for name, path in subject.paths.items()}
    return 1.1 * min(max(reach.values()), 1.7 * reach[subject.truth])
