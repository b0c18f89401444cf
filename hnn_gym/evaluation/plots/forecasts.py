"""How the errors of forecasts grow, and one forecast beside what really happened."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from hnn_gym.evaluation.plots.style import COLOURS, ORDER, STYLES, new_figure


def forecasts(
    errors: Mapping[str, np.ndarray], real: np.ndarray, motions: Mapping[str, np.ndarray], *, dt: float, label: str
) -> Figure:
    """Draw errors over the length of a forecast, and one motion of the real system with its forecasts.

    Args:
        errors: error after 1, 2, ... steps ``(steps,)`` of each model, in standard deviations.
        real: one number of the real system over time ``(T + 1,)``.
        motions: the same number as each model forecasts it ``(T + 1,)``.
        dt: time step in s.
        label: what the number is.
    """
    figure, (left, right) = new_figure(9.6, 3.9, columns=2)
    for name, error in errors.items():
        seen = np.isfinite(error) & (error > 0)
        steps = np.arange(1, len(error) + 1)
        left.plot(steps[seen], error[seen], color=COLOURS[name], lw=1.8, label=name)
    left.set_yscale("log")
    left.xaxis.set_major_locator(MaxNLocator(integer=True))
    left.set(xlabel="steps ahead", ylabel="median error (standard deviations)", title="Error of forecasts")
    for name, motion in {"real": real, **motions}.items():
        few = np.abs(motion) < 10 * (np.abs(real).max() + 1e-9)  # a model that blows up would hide the others
        look = {"color": COLOURS[name], "linestyle": STYLES[name], "zorder": ORDER[name], "label": name}
        right.plot((np.arange(len(motion)) * dt)[few], motion[few], lw=1.6, **look)
    right.set(xlabel="time (s)", ylabel=label, title="One episode, forecast from its first observation")
    figure.legend(*right.get_legend_handles_labels(), loc="outside lower center", ncols=3, frameon=False)
    return figure
