"""Pictures of a state, one kind of system a file. Only :mod:`.canvas` may import pygame."""

from __future__ import annotations

from collections.abc import Callable

from hnn_gym.envs.render.base import RENDER_MODES, Renderer
from hnn_gym.envs.render.bodies import BodiesRenderer
from hnn_gym.envs.render.pendulum import PendulumRenderer
from hnn_gym.envs.render.spring import SpringRenderer
from hnn_gym.envs.tasks import Task

RENDERERS: dict[str, Callable[[str, Task], Renderer]] = {
    "pendulum": lambda render_mode, task: PendulumRenderer(render_mode),
    "hanging pendulum": PendulumRenderer.hanging,
    "spring": SpringRenderer,
    "bodies": BodiesRenderer,
}
"""Renderers by the name a task gives as its picture; each takes the render mode and the task."""

__all__ = ["RENDERERS", "RENDER_MODES", "Renderer"]
