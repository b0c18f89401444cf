"""Where physics pays: the same agents, planned in two worlds that were learned from the same random steps."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from hnn_gym.evaluation.plots.style import COLOURS, GREY, legend_below, new_figure
from hnn_gym.studies import Results

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_BARS = {
    "chain": ("a chain of rigid links", COLOURS["HNN"]),
    "second-order network": ("no physics", COLOURS["baseline"]),
}
_WIDTH = 0.36


def returns_of_both(found: Results, published: Mapping[str, float], *, steps: int = 10_000) -> Figure:
    """Draw a bar for each task and world, a dot for each recording, and a line where the published agent is.

    Args:
        found: results of the study.
        published: return of the published agent, by task.
        steps: random real steps.
    """
    cells = {
        (task, structure): [cell for cell in found.below(f"{task}/{steps}/{structure}/").values() if "returns" in cell]
        for task in published
        for structure in _BARS
    }
    tasks = [task for task in published if all(cells[task, structure] for structure in _BARS)]
    figure, (ax,) = new_figure(2.6 + 1.5 * len(tasks), 3.4)
    for place, (structure, (label, colour)) in enumerate(_BARS.items()):
        at = np.arange(len(tasks)) + (place - 0.5) * _WIDTH
        earned = [[float(np.mean(cell["returns"])) for cell in cells[task, structure]] for task in tasks]
        ax.bar(at, [float(np.median(one)) for one in earned], _WIDTH, color=colour, alpha=0.6, label=label)
        for x, one in zip(at, earned, strict=True):
            ax.plot([x] * len(one), one, "o", color=colour, ms=3.5)
    for i, task in enumerate(tasks):
        ax.plot(
            [i - 0.45, i + 0.45],
            [published[task]] * 2,
            color=GREY,
            lw=1.2,
            ls="--",
            label="published" if not i else None,
        )
    ax.set_xticks(range(len(tasks)), tasks)
    ax.set_ylim(0, 1000)
    ax.set_ylabel("real return, of 1,000")
    ax.set_title(f"Planned in a world learned from {steps:,} random steps", fontsize=10)
    legend_below(figure, ax)
    return figure
