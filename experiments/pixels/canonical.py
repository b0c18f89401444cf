"""SyMetric along the forecasts, which measures how canonical a latent is, in groups of five as its authors do."""

from __future__ import annotations

from typing import Any

import numpy as np

from experiments.pixels.films import INERTIA, Film
from experiments.pixels.forecasts import Forecast
from experiments.pixels.symetric import symetric
from hnn_gym.physics.phase import join
from hnn_gym.worlds.pixel_world import PixelWorld, turned

_GROUP = 5
STEPS = (60, 1000)
"""Lengths of a motion in steps: that of the authors, and that of the forecasts here."""


def measure(seen: PixelWorld, dreamt: Forecast, film: Film, *, context: int, offset: float) -> dict[str, Any]:
    """SyMetric of forecasts that begin after ``context`` steps of a film; median and worst of the groups of motions."""
    x = seen.world.phase_point(dreamt.q[..., None], dreamt.v[..., None])
    true = film.states[:, context:]
    truth = np.stack([_continuous(true[..., 0]), INERTIA * true[..., 1]], axis=-1)
    latent = join(_continuous(dreamt.q + offset)[..., None], x[..., 1:])
    measured: dict[str, Any] = {}
    for steps in STEPS:
        if steps >= latent.shape[1]:
            continue
        part = slice(0, steps + 1)
        groups = [
            symetric(latent[i : i + _GROUP, part], truth[i : i + _GROUP, part], rng=np.random.default_rng(i))
            for i in range(0, len(latent), _GROUP)
        ]
        rsq, sym = ([getattr(group, name) for group in groups] for name in ("rsq", "sym"))
        measured[f"{steps} steps"] = {
            "groups": len(groups),
            "faithful": sum(group.faithful for group in groups),
            "rsq": {"median": float(np.median(rsq)), "worst": min(rsq)},
            "sym": {"median": float(np.median(sym)), "worst": max(sym)},
            "largest_degree": max(group.degree for group in groups),
        }
    return measured


def _continuous(angle: np.ndarray) -> np.ndarray:
    """Angles from hanging ``(N, T + 1)``, continuous along every motion; the first of each in (-pi, pi]."""
    with np.errstate(invalid="ignore"):
        steps = turned(np.diff(angle, axis=1), angle=True)
        first = turned(angle[:, :1] - np.pi, angle=True)
        return np.concatenate([first, first + np.cumsum(steps, axis=1)], axis=1)
