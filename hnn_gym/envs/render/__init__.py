"""Pictures of a state, one kind of system a file. Only :mod:`.canvas` and :mod:`.window` import pygame."""

from __future__ import annotations

from importlib import import_module

from hnn_gym.envs.render.base import RENDER_MODES, Renderer
from hnn_gym.envs.tasks import Task

RENDERERS = {
    "pendulum": ("pendulum", "PendulumRenderer"),
    "hanging pendulum": ("pendulum", "HangingPendulumRenderer"),
    "spring": ("spring", "SpringRenderer"),
    "frames": ("frames", "FrameRenderer"),
    "bodies": ("bodies", "BodiesRenderer"),
}
"""Module and class of a renderer by the name a task gives as its picture."""


def renderer_for(task: Task, render_mode: str) -> Renderer:
    """Return the renderer of a task's picture, for ``render_mode`` "human" or "rgb_array"."""
    assert task.renderer is not None
    module, name = RENDERERS[task.renderer]
    renderer: Renderer = getattr(import_module(f"{__name__}.{module}"), name)(render_mode, task)
    return renderer


__all__ = ["RENDERERS", "RENDER_MODES", "Renderer", "renderer_for"]
