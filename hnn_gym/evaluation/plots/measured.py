"""A measured motion beside a world's: forecasts, residuals, and the balance of the energy."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from hnn_gym.evaluation.measured_motion import EnergyBalance, MeasuredMotion
from hnn_gym.evaluation.plots.style import COLOURS, GREY, new_figure

_FORECAST, _FAR, _WORK, _HEAT = "#0072B2", "#D55E00", "#009E73", "#CC79A7"


def beside_the_log(
    time: np.ndarray,
    measured: np.ndarray,
    forecasts: list[tuple[np.ndarray, np.ndarray]],
    *,
    labels: Sequence[str],
) -> Figure:
    """Draw every entry that was measured in one episode, with forecasts from some moments on.

    Args:
        time: in s ``(T,)``.
        measured: ``(T, d)``; NaN where nothing was.
        forecasts: times ``(S,)`` and entries ``(S, d)`` of each.
        labels: of the entries ``(d,)``.
    """
    entries = measured.shape[1]
    figure, axes = new_figure(10.5, 1.2 + 1.9 * entries, rows=entries)
    for i, ax in enumerate(axes):
        ax.plot(time, measured[:, i], color=COLOURS["recorded"], lw=1.2, label="measured")
        for k, (moments, path) in enumerate(forecasts):
            label = "forecast" if k == 0 else None
            ax.plot(moments, path[:, i], color=_FORECAST, lw=1.6, ls="--", label=label)
            ax.plot(moments[:1], path[:1, i], "o", color=_FORECAST, ms=4)
        low, high = np.nanmin(measured[:, i]), np.nanmax(measured[:, i])
        margin = 0.25 * (high - low) or 1.0
        ax.set(ylabel=labels[i], ylim=(low - margin, high + margin))
    axes[-1].set(xlabel="time (s)")
    axes[0].set(title="Forecasts, from the dots on, beside the recording")
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=2, frameon=False)
    return figure


def residuals(motion: MeasuredMotion, *, piece: int) -> Figure:
    """Draw what the world leaves of every measured row, with the rows that it does not explain.

    Args:
        motion: the motion.
        piece: steps of a piece.
    """
    entries = motion.residual.shape[-1]
    figure, axes = new_figure(10.5, 1.2 + 1.6 * entries, rows=entries)
    seen, far = np.isfinite(motion.residual), motion.unexplained
    episode = motion.windows.episode
    lasts = np.array([motion.time[episode == number].max() for number in range(episode.max() + 1)])
    moments = motion.time + (np.cumsum(lasts) - lasts)[episode][:, None]
    for i, ax in enumerate(axes):
        kept, strange = seen[..., i] & ~far, seen[..., i] & far
        ax.plot(moments[kept], motion.residual[..., i][kept], ".", ms=2, color=_FORECAST)
        ax.plot(moments[strange], motion.residual[..., i][strange], "x", ms=4, color=_FAR)
        ax.axhline(0, color=GREY, lw=0.6)
        ax.set(ylabel=motion.labels[i])
    axes[0].set(title=f"Measured - shown, in pieces of {piece} steps; rows that are not explained are crosses")
    axes[-1].set(xlabel="time (s), one episode after the other")
    return figure


def balance(found: EnergyBalance, *, unit: str) -> Figure:
    """Draw the energy of an episode, the work of the controls, the heat of friction, and what they do not explain.

    Args:
        found: the balance.
        unit: of energies; "": their scale is unknown.
    """
    figure, (ax,) = new_figure(10.5, 3.9)
    for values, colour, label in (
        (found.work, _WORK, "work of the controls"),
        (-found.heat, _HEAT, "- heat of friction"),
        (found.energy, COLOURS["recorded"], "change of the energy"),
        (found.rest, _FAR, "not explained"),
    ):
        ax.plot(found.time, values, color=colour, lw=1.6, label=label)
    ax.axhline(0, color=GREY, lw=0.6)
    ax.set(xlabel="time (s)", ylabel=f"energy ({unit or 'unknown scale'})", title="Balance of the energy")
    figure.legend(*ax.get_legend_handles_labels(), loc="outside lower center", ncols=4, frameon=False)
    return figure
