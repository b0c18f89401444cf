"""Worlds with one degree of freedom, side by side: their vector fields, and motions from one start.

Points of the phase plane are [q, p]. Planes have equal aspect, so that a circle looks like one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from hnn_gym.evaluation.plots.style import COLOURS, GREY, PALE, legend_below, new_figure

_LOOKS: dict[str, dict[str, object]] = {
    "truth": {"lw": 4.5, "alpha": 0.25, "zorder": 3},
    "recorded": {"lw": 4.5, "alpha": 0.25, "zorder": 3},
    "baseline": {"lw": 1.2, "zorder": 4},
    "HNN": {"lw": 1.2, "zorder": 5},
    "ours": {"lw": 1.4, "ls": (0, (4, 2)), "zorder": 6},
}
"""The truth is a broad pale line, so that lines on top of it are visible."""
_FINE = 0.8
"""Width of a motion in the phase plane, where it passes repeatedly."""
_AT_FIRST = 0.01
"""Share of the time whose errors are not shown: all begin at 0, which has no logarithm."""


@dataclass(frozen=True)
class Names:
    """Labels of the axes.

    Attributes:
        position: name of q, with its unit.
        momentum: name of p, with its unit.
        energy: the unit of H.
        square: the unit of a mean square over both coordinates.
    """

    position: str
    momentum: str
    energy: str = "J"
    square: str = "SI"


def vector_fields(
    recorded: tuple[np.ndarray, np.ndarray],
    grid: np.ndarray,
    fields: Mapping[str, np.ndarray],
    paths: Mapping[str, np.ndarray],
    *,
    names: Names,
) -> Figure:
    """Draw the training data, and dx/dt of each model with a motion in it.

    Args:
        recorded: states and derivatives, each ``(k, 2)``; every second one gets an arrow.
        grid: points of a regular grid ``(rows, columns, 2)``, which spans the picture.
        fields: dx/dt on the grid by model ``(rows, columns, 2)``.
        paths: motions from one start ``(points, 2)``, by model, and the true one, which comes first.
        names: of the axes.
    """
    figure, axes = new_figure(10, 3.1, columns=1 + len(fields))
    true_name, true = next(iter(paths.items()))
    spacing = float(grid[0, 1, 0] - grid[0, 0, 0])
    longest = max(float(np.linalg.norm(field, axis=-1).max()) for field in fields.values())
    arrows = {"angles": "xy", "scale_units": "xy", "scale": longest / (1.3 * spacing), "width": 0.005}
    axes[0].quiver(*recorded[0][::2].T, *recorded[1][::2].T, color=GREY, zorder=2, **arrows)
    axes[0].plot(*recorded[0].T, ".", ms=2.5, color=COLOURS["truth"], mew=0, zorder=3)
    axes[0].set_title("data", fontsize=11)
    for ax, (name, field) in zip(axes[1:], fields.items(), strict=True):
        ax.plot(*recorded[0].T, ".", ms=5, color=PALE, alpha=0.5, mew=0, zorder=1)
        ax.quiver(*np.moveaxis(grid, -1, 0), *np.moveaxis(field, -1, 0), color=GREY, zorder=2, **arrows)
        ax.plot(*true.T, color=COLOURS[true_name], lw=4.5, alpha=0.25, zorder=3)
        ax.plot(*paths[name].T, color=COLOURS[name], lw=_FINE, zorder=4)
        ax.plot(*true[0], "o", ms=5, color="white", mec=COLOURS[true_name], zorder=5)
        ax.set_title(name, fontsize=11, color=COLOURS[name], fontweight="bold")
    for ax in axes:
        ax.set(xlim=(grid[..., 0].min(), grid[..., 0].max()), ylim=(grid[..., 1].min(), grid[..., 1].max()))
        ax.set(xlabel=names.position, aspect="equal")
        ax.label_outer()
    axes[0].set_ylabel(names.momentum)
    return figure


def four_columns(
    time: np.ndarray,
    paths: Mapping[str, np.ndarray],
    learned: Mapping[str, np.ndarray],
    energy: Mapping[str, np.ndarray],
    *,
    names: Names,
) -> Figure:
    """The second figure of Greydanus et al. 2019: predictions, their error, the HNN's conserved quantity, the energy.

    Args:
        time: ``(points,)`` in s.
        paths: motions from one start ``(points, 2)`` by world, the true one first.
        learned: the H that the HNN learned along each of them ``(points,)``.
        energy: the true H along each of them.
        names: of the axes.
    """
    figure, (plane, error, quantity, true) = new_figure(10, 3.1, columns=4)
    first, *others = paths
    for name, path in paths.items():
        look = {"color": COLOURS[name], "label": name, **_LOOKS[name]}
        plane.plot(*path.T, **(look if name == first else look | {"lw": _FINE}))
        quantity.plot(time, learned[name] - next(iter(learned.values()))[0], **look)
        true.plot(time, energy[name], **look)
    plane.plot(*paths[first][0], "o", ms=5, color="white", mec=COLOURS[first], zorder=7)
    later = time > _AT_FIRST * time[-1]
    for name in others:
        squares = ((paths[name] - paths[first]) ** 2).mean(axis=-1)
        error.semilogy(time[later], squares[later], color=COLOURS[name], lw=1.2)
    plane.set(xlabel=names.position, ylabel=names.momentum, box_aspect=1)
    plane.set_aspect("equal", adjustable="datalim")
    _titled(plane, "predictions")
    _titled(error, "coordinate MSE", f"({names.square})")
    _titled(quantity, "HNN's learned H", f"({names.energy}), 0 at the start")
    _titled(true, "true energy", f"({names.energy})")
    for ax in (error, quantity, true):
        ax.set(xlabel="time (s)", xlim=(time[0], time[-1]), box_aspect=1)
    legend_below(figure, plane)
    return figure


def _titled(ax: Axes, title: str, unit: str = "") -> None:
    ax.set_title(f"{title}\n{unit}" if unit else f"{title}\n", fontsize=10)
