"""Two futures from one moment, with and without energy bumps."""

from __future__ import annotations

from typing import Protocol

import numpy as np
from matplotlib.figure import Figure

from hnn_gym.evaluation.plots.style import COLOURS, new_figure

_BUMPED = "#AA4499"


class Motion(Protocol):
    """States [q, dq/dt] ``(steps + 1, 2n)`` and energies ``(steps + 1,)`` of one motion."""

    @property
    def state(self) -> np.ndarray:
        """[q, dq/dt] ``(steps + 1, 2n)``."""

    @property
    def energy(self) -> np.ndarray:
        """In J ``(steps + 1,)``."""


def two_futures(
    factual: Motion, counterfactual: Motion, *, dt: float, angle: bool = False, energy_unit: str = "J"
) -> Figure:
    """Draw two motions from one start in the phase plane of the first degree of freedom, and their energies over time.

    Args:
        factual: the motion without bumps.
        counterfactual: with bumps.
        dt: time step in s.
        angle: whether the first degree of freedom is an angle.
        energy_unit: "J", or "" if the scale of the energy is free.
    """
    figure, (plane, energy) = new_figure(9.6, 4.0, columns=2)
    n = factual.state.shape[1] // 2
    for name, motion, colour in (
        ("with bumps", counterfactual, _BUMPED),
        ("as it was", factual, COLOURS["HNN"]),
    ):
        plane.plot(motion.state[:, 0], motion.state[:, n], ".-", color=colour, lw=0.8, ms=3, label=name)
        energy.plot(np.arange(len(motion.energy)) * dt, motion.energy, color=colour, lw=1.6, label=name)
    plane.plot(*factual.state[0, [0, n]], "ko", ms=6, label="start")
    what, unit = ("angle", "rad") if angle else ("position", "m")
    plane.set(xlabel=f"{what} ({unit})", ylabel=f"velocity ({unit}/s)", title="Phase plane")
    energy.set(xlabel="time (s)", ylabel=f"energy ({energy_unit or 'free scale'})", title="Energy")
    figure.legend(*plane.get_legend_handles_labels(), loc="outside lower center", ncols=3, frameon=False)
    return figure
