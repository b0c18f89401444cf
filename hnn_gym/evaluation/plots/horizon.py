"""Errors of forecasts over their length, against the forecast that nothing moves."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure

from hnn_gym.evaluation.forecasts import Forecasts
from hnn_gym.evaluation.plots.style import COLOURS, GREY, legend_below, new_figure


def errors_over_horizon(forecasts: Forecasts, *, dt: float) -> Figure:
    """Draw the median and the worst tenth of the errors over the length of the forecast.

    Args:
        forecasts: of real steps.
        dt: time step in s.
    """
    figure, (ax,) = new_figure(6.4, 3.9)
    time = np.arange(1, forecasts.error.shape[1] + 1) * dt
    lines = {
        "median": (forecasts.median, COLOURS["HNN"], "-"),
        "worst tenth": (forecasts.worst_tenth, COLOURS["HNN"], ":"),
        "nothing moves": (np.median(forecasts.still, axis=0), GREY, "--"),
    }
    for name, (error, colour, style) in lines.items():
        seen = np.isfinite(error) & (error > 0)
        ax.plot(time[seen], error[seen], style, color=colour, lw=1.8, label=name)
    ax.set_yscale("log")
    ax.set(xlabel="time ahead (s)", ylabel="error", title="Error of forecasts")
    legend_below(figure, ax)
    return figure
