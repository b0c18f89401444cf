"""The spaces of a recording: which can be recorded, how their values become arrays, and their JSON form.

Actions may be of a Box, Discrete, MultiDiscrete or MultiBinary space, and are recorded as the environment takes them.
Observations are of a Box, or of nested Dict and Tuple spaces of Boxes. The latter are flattened in Gymnasium's order
(``gymnasium.spaces.flatten``), and every entry has a name: "position/0" is entry 0 of the Box under the key "position".
"""

from __future__ import annotations

import math
import operator
from collections.abc import Iterator, Mapping
from typing import Any

import gymnasium
import numpy as np
from gymnasium import spaces
from gymnasium.spaces import Box, Discrete, MultiBinary, MultiDiscrete

from hnn_gym.data.json_values import plain
from hnn_gym.errors import InputError
from hnn_gym.systems.task import ActionSpace

_Path = tuple[str | int, ...]
_MOST_ENTRIES = 2**24
"""Entries of an observation or action that a file may declare."""


class ObservationLayout:
    """How an observation becomes one array.

    Example:
        >>> layout = ObservationLayout(spaces.Dict({"angle": Box(-1, 1, (2,)), "speed": Box(-8, 8, ())}))
        >>> layout.names
        ('angle/0', 'angle/1', 'speed')
        >>> layout.array({"angle": np.zeros(2, np.float32), "speed": 3.0}, step=0)
        array([0., 0., 3.], dtype=float32)

    Args:
        space: a Box, or Dict and Tuple spaces of Boxes, nested to any depth.

    Attributes:
        space: the Box of the arrays; a Box that is given stays as it is.
        names: the name of every entry where the space was flattened; empty for a Box.

    Raises:
        InputError: a part of the space is neither.
    """

    def __init__(self, space: gymnasium.Space[Any]) -> None:
        self._parts = list(_boxes(space, ()))
        self.names: tuple[str, ...] = ()
        if isinstance(space, Box):
            self.space = space
            return
        if not self._parts:
            raise InputError(f"The observation space {space} has no entries, so there is nothing to record.")
        flat = spaces.flatten_space(space)
        assert isinstance(flat, Box), "a space made of Boxes flattens to a Box"
        self.space = flat
        self.names = tuple(name for path, box in self._parts for name in _entry_names(path, box))

    def array(self, observation: Any, *, step: int) -> np.ndarray:
        """Return ``observation`` as a new array of ``space``.

        Raises:
            InputError: a part is missing, not finite, or of another shape or kind than the space says.
        """
        if not self.names:
            return checked_array(observation, self.space, "observation", step)
        parts = [
            checked_array(_part(observation, path, step), box, f"observation {_joined(path)!r}", step).ravel()
            for path, box in self._parts
        ]
        return np.concatenate(parts).astype(self.space.dtype)


def require_action_space(space: gymnasium.Space[Any]) -> ActionSpace:
    """Return ``space`` if its actions can be recorded.

    Raises:
        InputError: they cannot.
    """
    if not isinstance(space, ActionSpace):
        raise InputError(
            f"Recording needs a Box, Discrete, MultiDiscrete or MultiBinary action space, and this environment's is "
            f"{space}: wrap it in a gymnasium.ActionWrapper that has one."
        )
    return space


def action_array(action: Any, space: ActionSpace, *, step: int) -> np.ndarray:
    """Return ``action`` as a new array of the shape and dtype of ``space``.

    A Box action beyond the bounds is kept, because many environments clip it themselves.

    Raises:
        InputError: it is not finite, has another shape or kind, or is not one of the finitely many of the space.
    """
    array = checked_array(action, space, "action", step)
    if not isinstance(space, Box) and not space.contains(array):
        raise InputError(f"The action at step {step} is {action!r}, which is not an action of {space}.")
    return array


def checked_array(value: Any, space: gymnasium.Space[Any], name: str, step: int) -> np.ndarray:
    """Return ``value`` as a new array in the dtype of ``space``.

    Raises:
        InputError: it is not finite, or has another shape or kind than the space.
    """
    shape, dtype = space.shape, space.dtype
    assert shape is not None, "only spaces of arrays are recorded"
    assert dtype is not None, "only spaces of arrays are recorded"
    try:
        array = np.asarray(value)
        suits = array.shape == shape and np.can_cast(array.dtype, dtype, "same_kind")
    except (TypeError, ValueError):  # ragged lists
        suits = False
    if not suits:
        raise InputError(
            f"The {name} at step {step} is {value!r}, which does not suit its space {space}: "
            f"it has to be of shape {shape} and of a kind that {dtype} holds."
        )
    return checked_finite(array.astype(dtype), name, step)


def checked_finite(array: np.ndarray, name: str, step: int) -> np.ndarray:
    """Return ``array``.

    Raises:
        InputError: an entry is not finite.
    """
    if not np.isfinite(array).all():
        raise InputError(f"The {name} at step {step} is not finite: {array}.")
    return array


def space_to_json(space: gymnasium.Space[Any]) -> dict[str, Any]:
    """Return a Box, Discrete, MultiDiscrete or MultiBinary space as JSON that :func:`space_from_json` reads.

    A bound of a Box that is the same for every entry is one number; infinity is a string.

    Raises:
        InputError: it is another kind of space.
    """
    dtype = np.dtype(space.dtype).name
    match space:
        case Box():
            bounds = {}
            for name, bound in (("low", space.low), ("high", space.high)):
                uniform = bound.size > 0 and bool(np.all(bound == bound.flat[0]))
                bounds[name] = plain(bound.flat[0] if uniform else bound)
            return {"kind": "Box", **bounds, "shape": list(space.shape), "dtype": dtype}
        case Discrete():
            return {"kind": "Discrete", "n": int(space.n), "start": int(space.start), "dtype": dtype}
        case MultiDiscrete():
            return {"kind": "MultiDiscrete", "nvec": plain(space.nvec), "start": plain(space.start), "dtype": dtype}
        case MultiBinary():
            return {"kind": "MultiBinary", "n": plain(space.n)}
    raise InputError(f"The space {space} has no JSON form here: use a Box, Discrete, MultiDiscrete or MultiBinary.")


def space_from_json(values: Mapping[str, Any]) -> ActionSpace:
    """Return the space that :func:`space_to_json` wrote; without a "kind" it is a Box.

    Raises:
        KeyError, TypeError, ValueError: the values do not describe a space.
    """
    match values.get("kind", "Box"):
        case "Box":
            return box_from_json(values)
        case "Discrete":
            return Discrete(operator.index(values["n"]), start=values["start"], dtype=values["dtype"])
        case "MultiDiscrete":
            return MultiDiscrete(values["nvec"], dtype=values["dtype"], start=values["start"])
        case "MultiBinary":
            size = values["n"]
            return MultiBinary(_shape(size) if isinstance(size, list) else _shape([size])[0])
    raise ValueError(f"unknown kind of space {values['kind']!r}")


def box_from_json(values: Mapping[str, Any]) -> Box:
    """Return the Box that :func:`space_to_json` wrote.

    Raises:
        KeyError, TypeError, ValueError: the values do not describe a Box.
    """
    shape, dtype = _shape(values["shape"]), np.dtype(values["dtype"])
    if dtype.kind not in "fiub":
        raise ValueError(f"a Box of {dtype}")
    low, high = (np.broadcast_to(np.asarray(values[name], dtype), shape) for name in ("low", "high"))
    if not (low <= high).all():
        raise ValueError("a bound of a Box that is not a number, or a lower bound above the upper one")
    return Box(low, high, shape, dtype.type)


def _shape(values: Any) -> tuple[int, ...]:
    """A shape, of no more entries than an observation has."""
    shape = tuple(operator.index(size) for size in values)
    if min(shape, default=0) < 0 or math.prod(shape) > _MOST_ENTRIES:
        raise ValueError(f"a space of the shape {shape}")
    return shape


def _boxes(space: gymnasium.Space[Any], path: _Path) -> Iterator[tuple[_Path, Box]]:
    """Yield every Box in ``space`` and the keys that lead to it, in the order in which Gymnasium flattens them."""
    if isinstance(space, Box):
        yield path, space
    elif isinstance(space, (spaces.Dict, spaces.Tuple)):
        parts = space.spaces.items() if isinstance(space, spaces.Dict) else enumerate(space.spaces)
        for key, part in parts:
            yield from _boxes(part, (*path, key))
    else:
        where = f" has {_joined(path)!r} of {space}" if path else f"'s is {space}"
        raise InputError(
            "Recording needs a Box observation space, or Dict and Tuple spaces of Boxes, and this environment"
            f"{where}: wrap it in a gymnasium.ObservationWrapper that shows numbers."
        )


def _entry_names(path: _Path, box: Box) -> list[str]:
    if box.shape == ():
        return [_joined(path)]
    return [_joined((*path, *index)) for index in np.ndindex(*box.shape)]


def _part(observation: Any, path: _Path, step: int) -> Any:
    try:
        for key in path:
            observation = observation[key]
    except (LookupError, TypeError) as error:
        raise InputError(f"The observation at step {step} lacks the part {_joined(path)!r} of its space.") from error
    return observation


def _joined(path: _Path) -> str:
    return "/".join(str(key) for key in path)
