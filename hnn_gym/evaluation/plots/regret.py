"""Sample efficiency: regret against real transitions, one panel a noise, every data seed a dot."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from hnn_gym.evaluation.plots.style import new_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_COLOURS = ("#D55E00", "#0072B2", "#009E73", "#CC79A7", "#777777", "#AAAAAA", "#444444")
_MARKERS = "osD^vPX"
_FEW = 5
_FLOOR = 0.1
_SPREAD = 0.03


def regret_by_transitions(panels: Mapping[str, Mapping[str, Mapping[int, np.ndarray]]]) -> Figure:
    """Draw mean regrets: a line through the means over data seeds, and a dot for every seed.

    Args:
        panels: by title, by contender, by real transitions: the regret of every seed ``(seeds,)``. Regrets below 0.1,
            or better than the reference, are drawn at 0.1.
    """
    names = list(dict.fromkeys(name for panel in panels.values() for name in panel))
    figure, axes = new_figure(3.4 * len(panels) + 1.2, 3.6, rows=1, columns=len(panels))
    highest = max(values.max() for panel in panels.values() for line in panel.values() for values in line.values())
    for ax, (title, panel) in zip(axes, panels.items(), strict=True):
        for name, line in panel.items():
            i = names.index(name)
            shift = np.exp(_SPREAD * (i - len(names) / 2))
            steps = np.array(sorted(line))
            means = np.array([max(float(np.mean(line[count])), _FLOOR) for count in steps])
            ax.plot(steps * shift, means, color=_COLOURS[i], lw=1.4, marker=_MARKERS[i], ms=5, label=name, zorder=3)
            for count in steps:
                dots = np.maximum(line[count], _FLOOR)
                ax.plot(np.full(len(dots), count * shift), dots, ".", color=_COLOURS[i], ms=3.5, alpha=0.5)
        ax.set(xscale="log", yscale="log", xlabel="real transitions", title=title)
        every = sorted({count for line in panel.values() for count in line})
        ticks = every if len(every) < _FEW else [10**k for k in range(1, 6)]
        ax.set_xticks(ticks, [f"{count:,}" for count in ticks])
        ax.set_xticks([], minor=True)
        ax.set_xlim(0.7 * every[0], 1.4 * every[-1])
        ax.set_ylim(_FLOOR * 0.8, 2 * highest)
        ax.grid(visible=True, which="major", lw=0.4, alpha=0.5)
    axes[0].set_ylabel("regret to the optimum, per episode")
    handles = {label: handle for ax in axes for handle, label in zip(*ax.get_legend_handles_labels(), strict=True)}
    figure.legend(handles.values(), handles.keys(), loc="outside right upper", fontsize=8, frameon=False)
    return figure
