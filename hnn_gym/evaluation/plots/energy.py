"""The true energy of motions over time, and its largest change."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from matplotlib.figure import Figure

from hnn_gym.evaluation.metrics import Unforced
from hnn_gym.evaluation.plots.style import COLOURS, ORDER, STYLES, new_figure

_FIRST_SECONDS = 8.0
_LEARNED = "#56B4E9"


def energy_over_time(motions: Mapping[str, Unforced], *, dt: float, learned: np.ndarray | None = None) -> Figure:
    """Draw the true energy along unforced motions from one start, and its largest change so far.

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
