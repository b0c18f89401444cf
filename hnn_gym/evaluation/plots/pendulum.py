"""The phase portrait of Pendulum-v1: level sets of a learned H, with data and motions."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from hnn_gym.evaluation.metrics import Unforced
from hnn_gym.evaluation.plots.style import COLOURS, ORDER, new_figure
from hnn_gym.worlds.world_model import WorldModel

_SIZES = {"real": 7, "HNN": 3, "baseline": 3}  # dots; the real ones show around those that lie on them
_SEPARATRIX, _RECORDED = "#009E73", "#AA4499"


def phase_portrait(
    world: WorldModel,
    truth: WorldModel,
    recorded: tuple[np.ndarray, np.ndarray],
    motions: Mapping[str, Unforced],
    *,
    speed: float = 8.0,
) -> Figure:
    """Draw level sets of the learned H of Pendulum-v1, with the data and some motions; hanging is in the middle.

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
