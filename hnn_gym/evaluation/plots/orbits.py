"""Bodies in the plane, one column for each world: orbits, and kinetic, potential and total energy over time."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from matplotlib.figure import Figure

from hnn_gym.evaluation.plots.style import COLOURS, GREY, new_figure

BODIES = ("#CC79A7", "#56B4E9", "#E69F00")
"""Colours of the bodies, which differ from those of the worlds."""


def orbits(
    time: np.ndarray,
    places: Mapping[str, np.ndarray],
    kinetic: Mapping[str, np.ndarray],
    potential: Mapping[str, np.ndarray],
    *,
    half_width: float,
) -> Figure:
    """Draw orbits from one start and their true energies; orbits that leave the picture are cut off.

    Args:
        time: ``(points,)`` in s.
        places: positions ``(points, bodies, 2)`` in m by world, the true one first.
        kinetic: the true kinetic energy along each motion ``(points,)`` in J.
        potential: the true potential energy likewise.
        half_width: half width of the picture around the origin, in m.
    """
    figure, axes = new_figure(10, 5.4, rows=2, columns=len(places))
    above, below = axes[: len(places)], axes[len(places) :]
    true = next(iter(places))
    totals = kinetic[true] + potential[true]
    energies = np.array([[kinetic[name], potential[name]] for name in places])
    for ax, (name, motion) in zip(above, places.items(), strict=True):
        for body in range(motion.shape[1]):
            if name != true:
                ax.plot(*places[true][:, body].T, color=GREY, lw=4, alpha=0.25, solid_capstyle="round")
            ax.plot(*motion[:, body].T, color=BODIES[body], lw=1.6)
            ax.plot(*motion[0, body], "o", ms=5, color="white", mec=BODIES[body], mew=1.4)
            ax.plot(*motion[-1, body], "o", ms=6.5, color=BODIES[body], mec="white", mew=0.8, zorder=5)
        ax.set_title(name, fontsize=11, color=COLOURS[name], fontweight="bold")
        ax.set(xlim=(-half_width, half_width), ylim=(-half_width, half_width), aspect="equal", xlabel="x (m)")
    above[0].set_ylabel("y (m)")
    low, high = _limits(energies, kinetic[true], potential[true])
    for ax, name in zip(below, places, strict=True):
        ax.plot(time, totals, color=COLOURS[true], lw=4.5, alpha=0.25, label="total, truth")
        ax.plot(time, kinetic[name], color=GREY, lw=1.1, ls=":", label="kinetic")
        ax.plot(time, potential[name], color=GREY, lw=1.1, ls="--", label="potential")
        ax.plot(time, kinetic[name] + potential[name], color=COLOURS[name], lw=1.6, label="total")
        ax.set(xlabel="time (s)", xlim=(time[0], time[-1]), ylim=(low, high))
    below[0].set_ylabel("true energy (J)")
    for row in (above, below):
        for ax in row[1:]:
            ax.tick_params(labelleft=False)
    handles, labels = below[-1].get_legend_handles_labels()
    handles[-1] = below[0].get_lines()[-1]
    figure.legend(handles, labels, loc="outside lower center", ncols=len(labels), frameon=False)
    return figure


def _limits(energies: np.ndarray, kinetic: np.ndarray, potential: np.ndarray) -> tuple[float, float]:
    """Limits of the energy axis: all energies, but no more than three times the range of the true ones."""
    low, high = float(potential.min()), float(kinetic.max())
    span = high - low
    return max(float(energies.min()) - 0.05 * span, low - span), min(float(energies.max()) + 0.05 * span, high + span)
