"""Figures. The only module that imports matplotlib, and only its object interface: no global state, no window."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from hnn_gym.evaluation.metrics import Unforced
from hnn_gym.world_model import WorldModel

# Okabe and Ito's colours, which colour-blind readers can tell apart.
COLOURS = {"real": "#000000", "HNN": "#0072B2", "baseline": "#D55E00"}
STYLES = {"real": "-", "HNN": "--", "baseline": "-"}
ORDER = {"baseline": 4, "real": 5, "HNN": 6}
_SIZES = {"real": 7, "HNN": 3, "baseline": 3}  # dots; the real ones show around those that lie on them
_FIRST_SECONDS = 8.0
_SEPARATRIX, _RECORDED, _LEARNED = "#009E73", "#AA4499", "#56B4E9"


def new_figure(width: float, height: float, *, rows: int = 1, columns: int = 1) -> tuple[Figure, list]:
    """Return a figure of ``width`` x ``height`` inches and its axes, row by row."""
    figure = Figure(figsize=(width, height), dpi=150, layout="constrained")
    FigureCanvasAgg(figure)
    axes = [figure.add_subplot(rows, columns, i + 1) for i in range(rows * columns)]
    for ax in axes:
        ax.spines[["top", "right"]].set_visible(False)
    return figure, axes


def save(figure: Figure, path: Path) -> None:
    """Write a figure as PNG."""
    figure.savefig(path)


def phase_portrait(
    world: WorldModel,
    truth: WorldModel,
    recorded: tuple[np.ndarray, np.ndarray],
    motions: Mapping[str, Unforced],
    *,
    speed: float = 8.0,
) -> Figure:
    """Level sets of the learned H of Pendulum-v1, with the data and some motions; hanging is in the middle.

    Args:
        world: a learned world of one angle, 0 upright, with an H.
        truth: the true world, for its separatrix.
        recorded: recorded states (q, v), each ``(N, 1)``.
        motions: unforced motions by name, each of one start ``(steps + 1, 1)``.
        speed: largest angular velocity shown, in rad/s.
    """
    figure, (ax,) = new_figure(7.2, 5.0)
    angle, velocity = np.meshgrid(np.linspace(0, 2 * np.pi, 181), np.linspace(-speed, speed, 181))
    q, v = angle[..., None], velocity[..., None]
    energy = world.energy(world.phase_point(q, v))
    levels = MaxNLocator(16).tick_values(energy.min(), energy.max())
    drawn = ax.contourf(angle, velocity, energy, levels=levels, cmap="Greys_r", alpha=0.3)
    ax.contour(angle, velocity, energy, levels=levels, colors="#777777", linewidths=0.5, linestyles="solid")
    true = truth.energy(truth.phase_point(q, v))
    at_rest = truth.energy(truth.phase_point(np.zeros(1), np.zeros(1)))
    ax.contour(angle, velocity, true, levels=[float(at_rest)], colors=_SEPARATRIX, linewidths=1.8, linestyles="dashed")
    ax.plot([], [], color=_SEPARATRIX, ls="--", lw=1.8, label="true separatrix")
    full_circle = 2 * np.pi
    ax.plot(recorded[0] % full_circle, recorded[1], ".", ms=5, color=_RECORDED, label="recorded", mew=0, zorder=3)
    for name, motion in motions.items():
        with np.errstate(invalid="ignore"):
            turned = motion.q[:, 0] % full_circle
        look = {"color": COLOURS[name], "ms": _SIZES[name], "mew": 0, "zorder": ORDER[name]}
        ax.plot(turned, motion.v[:, 0], ".", **look)
        ax.plot([], [], "o", color=COLOURS[name], ms=4, label=f"{name}, unforced")
    figure.colorbar(drawn, ax=ax, ticks=levels[::2], label=f"learned H ({world.energy_unit or 'free scale'})", pad=0.02)
    ax.set(xlim=(0, full_circle), ylim=(-speed, speed), xlabel="angle from upright (rad)")
    ax.set(ylabel="angular velocity (rad/s)", title="Level sets of the learned energy")
    ax.set_xticks(np.linspace(0, full_circle, 5), ["0\nupright", "π/2", "π\nhanging", "3π/2", "2π\nupright"])
    figure.legend(*ax.get_legend_handles_labels(), loc="outside lower center", ncols=5, frameon=False, fontsize=8)
    return figure


def energy_over_time(motions: Mapping[str, Unforced], *, dt: float, learned: np.ndarray | None = None) -> Figure:
    """True energy along unforced motions from one start: as it goes, and the largest change so far.

    Args:
        motions: by name, each of one start ``(steps + 1, 1)``.
        dt: time step in s.
        learned: the HNN's own H along its motion in J ``(steps + 1,)``.
    """
    figure, (left, right) = new_figure(9.6, 3.9, columns=2)
    for name, motion in motions.items():
        time = np.arange(len(motion.true_energy)) * dt
        with np.errstate(invalid="ignore"):
            change = np.abs(motion.true_energy - motion.true_energy[0])
        few = time <= _FIRST_SECONDS
        look = {"color": COLOURS[name], "linestyle": STYLES[name], "zorder": ORDER[name], "label": name}
        left.plot(time[few], motion.true_energy[few], lw=1.4, **look)
        right.plot(time, np.maximum.accumulate(change), lw=1.8, **look)
    if learned is not None:
        few = np.arange(len(learned)) * dt <= _FIRST_SECONDS
        look = {"color": _LEARNED, "ms": 4, "mew": 1, "mfc": "none", "label": "HNN, by its learned H", "zorder": 7}
        left.plot((np.arange(len(learned)) * dt)[few], learned[few], "o", markevery=2, **look)
    left.set(xlabel="time (s)", ylabel="energy (J)", title=f"True energy, the first {_FIRST_SECONDS:g} s")
    right.set(xlabel="time (s)", ylabel="largest change so far (J)", title="How far the true energy has strayed")
    right.set_ylim(bottom=0)
    figure.legend(*left.get_legend_handles_labels(), loc="outside lower center", ncols=4, frameon=False)
    return figure


class Motion(Protocol):
    """States [q, dq/dt] ``(steps + 1, 2n)`` and energies ``(steps + 1,)`` of one motion."""

    @property
    def state(self) -> np.ndarray:
        """[q, dq/dt] ``(steps + 1, 2n)``."""

    @property
    def energy(self) -> np.ndarray:
        """In J ``(steps + 1,)``."""


def two_futures(
    factual: Motion, counterfactual: Motion, *, dt: float, angle: bool = False, energy_unit: str = "J"
) -> Figure:
    """Two motions from one start: in the phase plane of the first degree of freedom, and their energies over time.

    Args:
        factual: as it was.
        counterfactual: with bumps.
        dt: time step in s.
        angle: whether the first degree of freedom is an angle.
        energy_unit: "J", or "" where the scale of the energy is free.
    """
    figure, (plane, energy) = new_figure(9.6, 4.0, columns=2)
    n = factual.state.shape[1] // 2
    for name, motion, colour in (
        ("with bumps", counterfactual, COLOURS["baseline"]),
        ("as it was", factual, COLOURS["HNN"]),
    ):
        plane.plot(motion.state[:, 0], motion.state[:, n], ".-", color=colour, lw=0.8, ms=3, label=name)
        energy.plot(np.arange(len(motion.energy)) * dt, motion.energy, color=colour, lw=1.6, label=name)
    plane.plot(*factual.state[0, [0, n]], "ko", ms=6, label="start")
    what, unit = ("angle", "rad") if angle else ("position", "m")
    plane.set(xlabel=f"{what} ({unit})", ylabel=f"velocity ({unit}/s)", title="Phase plane")
    energy.set(xlabel="time (s)", ylabel=f"energy ({energy_unit or 'free scale'})", title="Energy")
    figure.legend(*plane.get_legend_handles_labels(), loc="outside lower center", ncols=3, frameon=False)
    return figure
