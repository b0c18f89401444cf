"""The renderer of a task, loaded by its name when it is first needed."""

from __future__ import annotations

from importlib import import_module
from inspect import signature

from hnn_gym.envs.render.base import Renderer
from hnn_gym.envs.tasks.wrapper import unwrapped
from hnn_gym.errors import InputError
from hnn_gym.systems.task import Task


def renderer_for(task: Task, render_mode: str, *, annotated: bool = True) -> Renderer:
    """Return the renderer of a task.

    Args:
        task: names the class.
        render_mode: "human" or "rgb_array".
        annotated: whether to draw more than the system itself.

    Raises:
        InputError: ``task.renderer`` does not name a class, or its class cannot leave annotations out.
    """
    module, _, name = str(task.renderer).partition(":")
    try:
        made = getattr(import_module(module), name)
    except (ImportError, AttributeError, ValueError) as error:
        raise InputError(
            f"{type(task).__name__}.renderer is {task.renderer!r}, which cannot be loaded ({error}): "
            "give it as 'module:Class'."
        ) from None
    if annotated:
        renderer: Renderer = made(render_mode, unwrapped(task))
        return renderer
    if "annotated" not in signature(made).parameters:
        raise InputError(
            f"{name} does not take annotated=False, so it cannot draw the system alone: add that argument to its "
            "__init__, or make the environment with annotated=True."
        )
    plain: Renderer = made(render_mode, unwrapped(task), annotated=False)
    return plain
