"""Paired losses of the contenders: one line for each data seed, one panel for each kind of recording."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from hnn_gym.evaluation.plots.style import COLOURS, GREY, new_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_OTHERS = (COLOURS["baseline"], "#CC79A7", "#777777")
_LINEAR = 1.0
"""The scale of losses is logarithmic beyond this, and linear within."""


def paired_losses(panels: Mapping[str, Mapping[str, np.ndarray]], *, label: str) -> Figure:
    """Draw a dot for every data seed of every contender, joined by seed, and a bar at the mean.

    Args:
        panels: by title, by contender: the loss on every data seed ``(seeds,)``, in one order; NaN where a fit failed.
        label: of the vertical axis, which all panels share.
    """
    figure, axes = new_figure(2.9 * len(panels) + 0.8, 3.6, columns=len(panels))
    everything = np.concatenate([losses for panel in panels.values() for losses in panel.values()])
    low, high = np.nanmin(everything), np.nanmax(everything)
    for ax, (title, panel) in zip(axes, panels.items(), strict=True):
        places = np.arange(len(panel))
        ax.plot(places, np.stack(list(panel.values())), color=GREY, lw=0.6, alpha=0.6, zorder=1)
        for place, (name, losses) in zip(places, panel.items(), strict=True):
            colour = COLOURS["HNN"] if name == "HNN" else _OTHERS[(place - 1) % len(_OTHERS)]
            ax.plot(np.full(len(losses), place), losses, "o", color=colour, ms=4, mew=0, alpha=0.7, zorder=3)
            ax.plot([place - 0.2, place + 0.2], [np.nanmean(losses)] * 2, color=colour, lw=2.5, zorder=4)
        ax.axhline(0, color="#000000", lw=0.6, ls=":")
        ax.set_yscale("symlog", linthresh=_LINEAR)
        ax.set_ylim(min(1.5 * low, -_LINEAR), max(1.5 * high, _LINEAR))
        ax.set_xticks(places, [name.replace(" ", "\n", 1) for name in panel])
        ax.set_xlim(-0.5, len(panel) - 0.5)
        ax.set_title(title, fontsize=10)
        ax.label_outer()
    axes[0].set_ylabel(label)
    return figure
