"""The world models that ship with the package, by the id of their environment."""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path

from hnn_gym.world_model import WorldModel

WEIGHTS = Path(__file__).parent / "weights"


def resolve_world(world_model: WorldModel | str | os.PathLike[str]) -> WorldModel:
    """Return a world given itself, the id of a shipped one, or the path of a checkpoint.

    Raises:
        MissingPathError: there is no such checkpoint.
        InputError: it is not a checkpoint of ours.
    """
    if isinstance(world_model, WorldModel):
        return world_model
    if isinstance(world_model, str) and (WEIGHTS / world_model / "world.json").is_file():
        return _shipped(world_model)
    return WorldModel.load(world_model)


@cache
def _shipped(name: str) -> WorldModel:
    return WorldModel.load(WEIGHTS / name)
