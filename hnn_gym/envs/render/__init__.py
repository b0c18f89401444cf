"""Pictures of a state, one kind of system a file. Only :mod:`.canvas` and :mod:`.window` import pygame."""

from hnn_gym.envs.render.base import RENDER_MODES, Renderer
from hnn_gym.envs.render.choice import renderer_for

__all__ = ["RENDER_MODES", "Renderer", "renderer_for"]
