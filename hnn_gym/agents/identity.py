"""What a training is about, as JSON values: a training is continued only in the world in which it began.

Everything that a dream computes with has a part in the identity of a simulator: the arrays, the coordinates with their
limits, the scheme, the time step, the task with a learned reward or a function of the user's, and the action channel.
"""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import json
import re
from collections.abc import Mapping
from types import BuiltinFunctionType, CodeType, FunctionType, MethodType, ModuleType
from typing import Any

import gymnasium
import numpy as np

from hnn_gym.data.json_values import plain
from hnn_gym.envs.core import Simulator
from hnn_gym.worlds.world_model import WorldModel

_DEPTH = 12
_ADDRESS = re.compile(r" at 0x[0-9a-f]+")


def world_named(world: WorldModel) -> dict[str, Any]:
    """Identify a world in JSON values: its origin, and hashes of its arrays and of all else it computes with."""
    model = world.architecture
    content = {
        "coordinates": world.coordinates.to_json(),
        "integrator": repr(world.integrator),
        "model": world.dynamics if model is None else [model.kind, model],
        "heads": world.card.get("task"),
    }
    found: dict[str, Any] = {"dt": world.dt, "dynamics": type(world.dynamics).__name__, "physics": digest_of(content)}
    if "environment" in world.card:
        return found | {"environment": world.card["environment"]}
    arrays = hashlib.sha256()
    for name, value in sorted((world.parameters or {}).items()):
        arrays.update(name.encode() + np.ascontiguousarray(value).tobytes())
    provenance = world.card.get("data", {}).get("provenance", {})
    return found | {"learned_from": provenance.get("env_id"), "sha256": arrays.hexdigest()}


def simulator_named(simulator: Simulator) -> dict[str, Any]:
    """Identify a simulator in JSON values: its worlds, and the SHA-256 of its task and of its action channel."""
    others = () if simulator.ensemble is None else simulator.ensemble.others
    rules = (simulator.task, simulator.channel, simulator.ensemble and simulator.ensemble.penalty)
    return {
        "world": world_named(simulator.world),
        "others": [world_named(other) for other in others],
        "task": type(simulator.task).__name__,
        "sha256": digest_of(rules),
    }


def digest_of(value: Any) -> str:
    """The SHA-256 of a value, which is the same in every process: of functions, that of their code."""
    return hashlib.sha256(json.dumps(_described(value, _DEPTH), sort_keys=True).encode()).hexdigest()


def _globals_of(function: FunctionType) -> dict[str, Any]:
    """The values of its module that a function names: those of other packages, which have versions, by their names."""
    root = function.__module__.partition(".")[0]
    found = {name: function.__globals__[name] for name in _names(function.__code__) if name in function.__globals__}
    return {
        name: value.__qualname__
        if isinstance(value, FunctionType) and (value.__module__ or "").partition(".")[0] != root
        else value
        for name, value in found.items()
        if value is not function
    }


def _names(code: CodeType) -> set[str]:
    inner = (constant for constant in code.co_consts if isinstance(constant, CodeType))
    return {*code.co_names, *(name for each in inner for name in _names(each))}


def _described(value: Any, depth: int) -> Any:
    """A value as JSON: arrays by their bytes, functions by their code, objects by their attributes."""
    if depth == 0:
        return type(value).__qualname__
    below = functools.partial(_described, depth=depth - 1)
    if hasattr(value, "detach"):  # a tensor
        value = value.detach().cpu().numpy()
    if isinstance(value, gymnasium.Space):  # which holds a generator
        return repr(value)
    if isinstance(value, np.ndarray):
        return [value.dtype.str, list(value.shape), hashlib.sha256(np.ascontiguousarray(value).tobytes()).hexdigest()]
    if isinstance(value, Mapping):
        return {str(key): below(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [below(item) for item in (sorted(value, key=repr) if isinstance(value, set | frozenset) else value)]
    if value is None or isinstance(value, bool | int | float | str | np.generic):
        return plain(value)
    if isinstance(value, MethodType):
        return [below(value.__func__), below(value.__self__)]
    if isinstance(value, FunctionType):
        cells = [cell.cell_contents for cell in value.__closure__ or () if cell.cell_contents is not value]
        held = below([value.__defaults__, value.__kwdefaults__, cells])
        return [value.__qualname__, below(value.__code__), held, _described(_globals_of(value), depth // 2)]
    if isinstance(value, CodeType):
        return [value.co_code.hex(), list(value.co_names), [below(constant) for constant in value.co_consts]]
    if isinstance(value, type | ModuleType | BuiltinFunctionType):
        return getattr(value, "__qualname__", value.__name__)
    name = type(value).__qualname__
    if dataclasses.is_dataclass(value):
        return [name, {item.name: below(getattr(value, item.name)) for item in dataclasses.fields(value)}]
    if hasattr(value, "__dict__"):
        made_when_used = functools.cached_property
        return [
            name,
            {
                key: below(item)
                for key, item in vars(value).items()
                if not isinstance(getattr(type(value), key, None), made_when_used)
            },
        ]
    return [name, _ADDRESS.sub("", repr(value))]
