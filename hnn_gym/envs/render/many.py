"""Pictures of the copies of a batch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np

from hnn_gym.envs.render.base import Renderer
from hnn_gym.envs.render.choice import renderer_for


class Drawn(Protocol):
    """What a batch has to tell to be drawn."""

    simulator: Any
    x: Any
    force: Any

    @property
    def steps(self) -> Any:
        """Steps of the present episodes of all copies."""


class BatchPictures:
    """Draws the first copies of a batch, each by a renderer of its own.

    Args:
        batch: the copies.
        count: how many of them to draw.
    """

    def __init__(self, batch: Drawn, count: int) -> None:
        self._batch, self._count = batch, count
        self._renderers: list[Renderer] = []

    def draw(self) -> Sequence[np.ndarray]:
        """Pictures, each uint8 ``(height, width, 3)``."""
        batch = self._batch
        task, world = batch.simulator.task, batch.simulator.world
        if not self._renderers:
            self._renderers = [renderer_for(task, "rgb_array") for _ in range(self._count)]
        q, v = (_on_host(part) for part in world.state(batch.x[: self._count]))
        force = None if batch.force is None else _on_host(batch.force[: self._count])
        t = _on_host(batch.steps) * abs(world.dt)
        drawn = (
            renderer.draw(q[i], v[i], None if force is None else force[i], t=float(t[i]))
            for i, renderer in enumerate(self._renderers)
        )
        return [picture for picture in drawn if picture is not None]

    def close(self) -> None:
        """Close the renderers."""
        for renderer in self._renderers:
            renderer.close()
        self._renderers = []

    def __getstate__(self) -> dict[str, Any]:
        """Leave out the renderers, which cannot be copied: a copy makes its own."""
        return self.__dict__ | {"_renderers": []}


def _on_host(array: Any) -> np.ndarray:
    return np.asarray(array.detach().cpu() if hasattr(array, "detach") else array)
