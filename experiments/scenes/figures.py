"""A film of the truth beside what the worlds dream from its first frames."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from experiments.scenes.measures import encoded, forecast
from experiments.scenes.setups import Film, Setup
from hnn_gym.envs.render.frames import enlarged
from hnn_gym.evaluation.report import write_gif
from hnn_gym.worlds.pixel_world import PixelWorld

_FRAMES = 100


def draw(worlds: Mapping[str, PixelWorld], setup: Setup, film: Film, path: Path) -> None:
    """Write a film of the first motion: truth, then every world, every few steps of the forecast."""
    chosen = np.arange(0, setup.horizon, max(1, setup.horizon // _FRAMES))
    panels = {"truth": [enlarged(frame) for frame in film.frames[0, setup.context :][chosen]]}
    for name, seen in worlds.items():
        q = encoded(seen, film.frames[:1, : setup.context + 1])
        dreamt = forecast(seen, q, steps=setup.horizon)[0, chosen, : seen.world.coordinates.n]
        panels[name] = [enlarged(frame) for frame in seen.codec.decode(np.nan_to_num(dreamt))]
    notes = {name: [f"step {step}" for step in chosen] for name in panels}
    path.parent.mkdir(parents=True, exist_ok=True)
    write_gif(path, panels, fps=12, size=192, notes=notes)
