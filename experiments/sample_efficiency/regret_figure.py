"""Sample efficiency: regret against real transitions, one panel for each noise, one dot for each data seed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from hnn_gym.evaluation.plots.style import COLOURS, new_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_NO_MODEL = ", no model"
_LOOKS = {
    "HNN": (COLOURS["HNN"], "o"),
    "second-order MLP": (COLOURS["baseline"], "D"),
    "MLP ensemble": ("#E69F00", "^"),
    "first-order MLP": ("#CC79A7", "s"),
    f"SAC{_NO_MODEL}": ("#444444", "P"),
    f"TD3{_NO_MODEL}": ("#888888", "X"),
    f"PPO{_NO_MODEL}": ("#BBBBBB", "v"),
}
"""Colour and marker; in this order in the legend."""
_COLUMNS = 2
_FLOOR = 0.1
_SPREAD = 0.06
_SUBTITLE = 11


def regret_by_transitions(panels: Mapping[str, Mapping[str, Mapping[int, np.ndarray]]]) -> Figure:
    """Draw mean regrets, all panels on one scale: a line through the means over data seeds, and a dot for every seed.

    Args:
        panels: by title, by contender of the study, agents as "SAC, no model", by real transitions: the regret of every
            seed ``(seeds,)``. Regrets below 0.1, or better than the reference, are drawn at 0.1; infinite ones, of fits
            that failed, are not drawn.
    """
    names = sorted({name for panel in panels.values() for name in panel}, key=list(_LOOKS).index)
    learned = [name for name in names if not name.endswith(_NO_MODEL)]
    rows = -(-len(panels) // _COLUMNS)
    figure, axes = new_figure(9.0, 0.8 + 2.9 * rows, rows=rows, columns=_COLUMNS)
    every = [count for panel in panels.values() for line in panel.values() for count in line]
    regrets = np.concatenate(
        [values for panel in panels.values() for line in panel.values() for values in line.values()]
    )
    highest = max(regrets[np.isfinite(regrets)], default=1.0)
    for ax, (title, panel) in zip(axes, panels.items(), strict=False):
        for name in (name for name in names if name in panel):
            (colour, marker), line = _LOOKS[name], panel[name]
            place = learned.index(name) - (len(learned) - 1) / 2 if name in learned else 0.0
            shift = np.exp(_SPREAD * place)
            steps = np.array(sorted(line))
            means = np.array([max(float(np.mean(line[count])), _FLOOR) for count in steps])
            ax.plot(
                steps * shift,
                means,
                color=colour,
                lw=1.4,
                marker=marker,
                ms=5.5,
                label=name,
                zorder=20 - names.index(name),
            )
            for count in steps:
                dots = np.maximum(line[count], _FLOOR)
                ax.plot(np.full(len(dots), count * shift), dots, ".", color=colour, ms=3.5, alpha=0.6, mew=0)
        ax.set(xscale="log", yscale="log", xlim=(0.6 * min(every), 1.6 * max(every)))
        ax.set_ylim(0.8 * _FLOOR, 2 * max(highest, _FLOOR))
        ax.set_title(title, fontsize=_SUBTITLE)
        ax.grid(visible=True, which="major", lw=0.4, alpha=0.5)
        ax.xaxis.set_major_formatter(lambda count, _: f"{count:,.0f}")
    for ax in axes[len(panels) :]:
        ax.remove()
    for ax in axes[: len(panels)][-_COLUMNS:]:
        ax.set_xlabel("real transitions")
    for ax in axes[: len(panels) : _COLUMNS]:
        ax.set_ylabel("regret to the optimum, per episode")
    handles = {label: handle for ax in axes for handle, label in zip(*ax.get_legend_handles_labels(), strict=True)}
    shown = [name for name in names if name in handles]
    figure.legend([handles[name] for name in shown], shown, loc="outside lower center", ncols=4, frameon=False)
    return figure
