"""What a world has learned of a mechanism: M and V against every position, and friction against every velocity."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure

from hnn_gym.evaluation.measured_motion import friction_force, mass_matrices, position_names, potential
from hnn_gym.evaluation.plots.style import GREY, new_figure
from hnn_gym.worlds.world_model import WorldModel

_LINES = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
_DASHES = ("-", "--", ":", "-.")
_SAMPLES = 201


def mechanism(world: WorldModel, q: np.ndarray, v: np.ndarray) -> Figure:
    """Draw M(q), V(q) and friction over the range of a motion; other positions are 0.

    Args:
        world: with an energy.
        q: positions of a motion ``(T, n)``.
        v: its velocities ``(T, n)``.
    """
    n, unit, names = world.coordinates.n, world.energy_unit, position_names(world)
    figure, (masses, heights, rubbing) = new_figure(12.6, 3.9, columns=3)
    for i in range(n):
        at = np.linspace(np.nanmin(q[:, i]), np.nanmax(q[:, i]), _SAMPLES)
        positions = np.zeros((_SAMPLES, n))
        positions[:, i] = at
        label = names[i]
        M = mass_matrices(world, positions)
        for k, (row, column) in enumerate((r, c) for r in range(n) for c in range(r + 1)):
            name = f"M_{row + 1}{column + 1} ({label})"
            masses.plot(at, M[:, row, column], color=_LINES[k % 6], ls=_DASHES[i % 4], lw=1.5, label=name)
        heights.plot(at, potential(world, positions), color=_LINES[i % 6], lw=1.8, label=label)
        fast = float(np.nanquantile(np.abs(v[:, i]), 0.999)) or 1.0
        speed = np.linspace(-fast, fast, _SAMPLES + 1)  # not 0, where friction holds with whatever it takes
        rubbing.plot(speed, friction_force(world, i, speed), color=_LINES[i % 6], lw=1.8, label=label)
    rubbing.axhline(0, color=GREY, lw=0.6)
    force = "N m or N" if unit else "unknown scale"
    masses.set(xlabel="position (rad or m), the others 0", ylabel=f"M ({'SI' if unit else force})", title="Inertia")
    heights.set(xlabel="position (rad or m), the others 0", ylabel=f"V ({unit or force})", title="Potential energy")
    rubbing.set(xlabel="velocity (rad/s or m/s)", ylabel=f"friction ({force})", title="Friction")
    masses.legend(frameon=False, fontsize=7)
    heights.legend(frameon=False, fontsize=8)
    rubbing.legend(frameon=False, fontsize=8)
    return figure
