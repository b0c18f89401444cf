"""A film of the truth beside what worlds dream from the frames before it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from hnn_gym.envs.render.frames import enlarged
from hnn_gym.evaluation.report import write_gif
from hnn_gym.worlds.pixel_world import PixelWorld

_FRAMES = 100


def draw(truth: np.ndarray, dreams: Mapping[str, tuple[PixelWorld, np.ndarray]], path: Path) -> None:
    """Write a film of at most about a hundred frames: the truth, then every world.

    Args:
        truth: true frames, uint8 ``(T, H, W, C)``.
        dreams: by name, a world and the positions that it dreams ``(T, n)``.
        path: of the GIF file.
    """
    chosen = np.arange(0, len(truth), max(1, len(truth) // _FRAMES))
    panels = {"truth": [enlarged(frame) for frame in truth[chosen]]}
    for name, (seen, q) in dreams.items():
        near = np.nan_to_num(q[chosen], nan=1e3).clip(-1e3, 1e3)  # what has left the finite numbers is not seen
        panels[name] = [enlarged(frame) for frame in seen.codec.decode(near)]
    notes = {name: [f"step {step}" for step in chosen] for name in panels}
    path.parent.mkdir(parents=True, exist_ok=True)
    write_gif(path, panels, fps=12, size=192, notes=notes)
