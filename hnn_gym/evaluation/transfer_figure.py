"""The figure of a transfer: returns in the dream and in reality, prediction errors, and one motion in both."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from hnn_gym.evaluation.plots import COLOURS, new_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def transfer_figure(
    imagined: np.ndarray,
    real: np.ndarray,
    errors: Mapping[int, np.ndarray],
    motions: Mapping[str, np.ndarray],
    *,
    dt: float,
    label: str,
) -> Figure:
    """Draw returns against each other, prediction errors by horizon, and one degree of freedom over time.

    Args:
        imagined: returns in the dream ``(n,)``.
        real: returns in reality from the same starts ``(n,)``.
        errors: H -> errors of predictions H steps ahead ``(N,)``; may be empty.
        motions: "real" and "dream" -> one degree of freedom along an episode from the same start ``(steps,)``.
        dt: time step in s.
        label: name and unit of that degree of freedom.
    """
    figure, (returns, growth, motion) = new_figure(12.6, 3.8, columns=3)
    ends = min(imagined.min(), real.min()), max(imagined.max(), real.max())
    returns.plot(ends, ends, "-", color="#999999", lw=1)
    returns.plot(imagined, real, "o", color=COLOURS["HNN"], ms=4, mew=0, alpha=0.7)
    returns.locator_params(nbins=5)
    returns.set(xlabel="return in the dream", ylabel="return in reality", title=f"The same {len(real)} starts")
    for name, mark in (("worst", "v"), ("median", "o")):
        if errors:
            values = [np.max(e) if name == "worst" else np.median(e) for e in errors.values()]
            growth.loglog(list(errors), values, mark + "-", color=COLOURS["HNN"], ms=5, label=name)
    if errors:
        growth.set_xticks(list(errors), [str(horizon) for horizon in errors])
        growth.minorticks_off()
        growth.legend(frameon=False)
    else:
        growth.text(0.5, 0.5, "not measured", ha="center", transform=growth.transAxes)
    growth.set(xlabel="steps ahead", ylabel="RMS error", title="Predictions along real trajectories")
    for name, look in (("real", {"color": COLOURS["real"], "lw": 3.0}), ("dream", {"color": COLOURS["baseline"]})):
        path = motions[name]
        motion.plot(np.arange(len(path)) * dt, path, ls="-" if name == "real" else "--", label=name, **look)
    motion.set(xlabel="time (s)", ylabel=label, title="Start with the lowest real return")
    motion.legend(frameon=False)
    return figure
