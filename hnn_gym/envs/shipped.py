"""Find a world by its name: the learned ones that ship with the package, the true ones, and checkpoints."""

from __future__ import annotations

import os
import re
from difflib import get_close_matches
from functools import cache
from pathlib import Path

from hnn_gym.errors import InputError, MissingPathError
from hnn_gym.files.storage import checked_path
from hnn_gym.systems.registry import SYSTEMS, true_world
from hnn_gym.worlds.pixel_world import FRAMES, PixelWorld
from hnn_gym.worlds.world_model import WorldModel

WEIGHTS = Path(__file__).parent / "weights"


def resolve_world(world_model: WorldModel | str | os.PathLike[str]) -> WorldModel:
    """Return a world given itself, the id of a shipped or true one, or the path of a checkpoint.

    Raises:
        MissingPathError: there is no such id and no such checkpoint.
        InputError: the path is not a checkpoint of this package, or the argument is neither world, id nor path.
    """
    if isinstance(world_model, WorldModel):
        return world_model
    if not isinstance(world_model, (str, os.PathLike)):
        raise _not_a_world(world_model)
    if _ships(world_model, "world.json"):
        return _shipped(str(world_model))
    if isinstance(world_model, str) and world_model in SYSTEMS and SYSTEMS[world_model].truth is not None:
        return true_world(world_model)
    if isinstance(world_model, str) and re.fullmatch(r"[\w:]+-v\d+", world_model) and not Path(world_model).exists():
        known = [path.parent.name for path in WEIGHTS.glob("*/world.json")]
        known += [name for name, system in SYSTEMS.items() if system.truth is not None]
        near = get_close_matches(world_model, known, n=1)
        raise MissingPathError(
            f"There is no world with the id {world_model!r}, and no checkpoint at that path"
            + (f": did you mean {near[0]}?" if near else ": `python -m hnn_gym.train` makes one.")
        )
    return WorldModel.load(world_model)


def resolve_pixel_world(world_model: PixelWorld | WorldModel | str | os.PathLike[str]) -> PixelWorld | None:
    """Return a world learned from frames given itself, the id of a shipped one, or the path of a checkpoint.

    It returns None for a world that was not learned from frames. For an id or a path at which there is no world it
    returns None too, and leaves it to :func:`resolve_world` to raise the error.

    Raises:
        InputError: the checkpoint is damaged, or the argument is neither world, id nor path.
    """
    if isinstance(world_model, PixelWorld):
        return world_model
    if isinstance(world_model, WorldModel):
        return None
    if not isinstance(world_model, (str, os.PathLike)):
        raise _not_a_world(world_model)
    if _ships(world_model, FRAMES):
        return _shipped_pixels(str(world_model))
    return PixelWorld.load(world_model) if (checked_path(world_model) / FRAMES).is_dir() else None


def _ships(world_model: str | os.PathLike[str], part: str) -> bool:
    """Whether a text is the id of a world that ships with the package and has this part.

    A path is no id, so that a checkpoint is read again whenever it is asked for: it may have been replaced.
    """
    return (
        isinstance(world_model, str)
        and Path(world_model).name == world_model
        and (WEIGHTS / world_model / part).exists()
    )


def _not_a_world(given: object) -> InputError:
    return InputError(
        "world_model must be a WorldModel, the id of one, such as 'HNNPendulum-v0', or the path of a checkpoint, "
        f"such as 'runs/x', not {given!r}."
    )


@cache
def _shipped_pixels(name: str) -> PixelWorld:
    return PixelWorld.load(WEIGHTS / name)


@cache
def _shipped(name: str) -> WorldModel:
    return WorldModel.load(WEIGHTS / name)
