"""The renderer of a task, loaded by its name when it is first needed."""

from __future__ import annotations

from importlib import import_module

from hnn_gym.envs.render.base import Renderer
from hnn_gym.envs.tasks.wrapper import unwrapped
from hnn_gym.errors import InputError
from hnn_gym.systems.task import Task


def renderer_for(task: Task, render_mode: str) -> Renderer:
    """Return the renderer of a task, for ``render_mode`` "human" or "rgb_array".

    Raises:
        InputError: ``task.renderer`` does not name a class.
    """
    module, _, name = str(task.renderer).partition(":")
    try:
        made = getattr(import_module(module), name)
    except (ImportError, AttributeError, ValueError) as error:
        raise InputError(
            f"{type(task).__name__}.renderer is {task.renderer!r}, which cannot be loaded ({error}): "
            "give it as 'module:Class'."
        ) from None
    renderer: Renderer = made(render_mode, unwrapped(task))
    return renderer
