"""Worlds: physics that can be observed, acted on, saved and loaded."""

from typing import TYPE_CHECKING

from hnn_gym.lazy import lazy_exports

if TYPE_CHECKING:
    from hnn_gym.worlds.differentiable import rollout
    from hnn_gym.worlds.pixel_world import PixelWorld
    from hnn_gym.worlds.world_model import WorldModel

__all__ = [
    "PixelWorld",
    "WorldModel",
    "rollout",
]
__getattr__, __dir__ = lazy_exports(__name__)
