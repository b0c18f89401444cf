"""An interrupted fit on disk: one safetensors file, with what it was about in its metadata."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from hnn_gym.errors import InputError, MissingPathError
from hnn_gym.training.fit import FitState

_FILE = "fit.safetensors"
_GROUPS = ("parameters", "first_moments", "second_moments", "kept")
_COUNTERS = ("adam_step", "lbfgs_step", "least_squares_step", "round", "stream_step")


def save_fit(path: str | os.PathLike[str], state: FitState, about: dict[str, Any]) -> None:
    """Write a state and a JSON-ready description into the folder ``path``, at once or not at all."""
    folder = Path(path)
    folder.mkdir(parents=True, exist_ok=True)
    arrays = {
        f"{group}/{name}": np.ascontiguousarray(value)
        for group in _GROUPS
        for name, value in getattr(state, group).items()
    }
    metadata = {"about": json.dumps(about)} | {name: str(getattr(state, name)) for name in _COUNTERS}
    partial = folder / f"{_FILE}.partial"
    save_file(arrays, partial, metadata=metadata)
    partial.replace(folder / _FILE)


def load_fit(path: str | os.PathLike[str]) -> tuple[FitState, dict[str, Any]]:
    """Read what :func:`save_fit` wrote.

    Raises:
        MissingPathError: there is no interrupted fit.
        InputError: it cannot be read.
    """
    file = Path(path) / _FILE
    if not file.is_file():
        raise MissingPathError(f"There is no interrupted training in {Path(path).parent}: start it without --resume.")
    groups: dict[str, dict[str, np.ndarray]] = {group: {} for group in _GROUPS}
    try:
        with safe_open(file, framework="numpy") as content:
            metadata = content.metadata()
            for key in content.keys():  # noqa: SIM118 - not a dict
                group, _, name = key.partition("/")
                groups[group][name] = content.get_tensor(key)
        about = json.loads(metadata["about"])
        counters = {name: int(metadata[name]) for name in _COUNTERS}
    except (SafetensorError, KeyError, TypeError, ValueError) as error:
        raise InputError(f"{file} cannot be read ({error!r}): start the training again with --overwrite.") from None
    state = FitState(groups["parameters"])
    for name, value in (groups | counters).items():
        setattr(state, name, value)
    return state, about
