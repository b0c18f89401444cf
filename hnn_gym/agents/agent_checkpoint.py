"""A trained agent on disk: a folder of ``agent.json``, the card, and one file with its numbers.

The card names the algorithm and its settings from closed registries and holds the SHA-256 of the numbers, so that a
foreign, half-written or mixed-up file is noticed before anything in it is read.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from hnn_gym.data.json_values import plain
from hnn_gym.errors import ExistingPathError, InputError, MissingPathError
from hnn_gym.files import release_0_1
from hnn_gym.worlds.world_model import WorldModel

FORMAT = "hnn_gym.agent"
VERSION = 2
CARD = "agent.json"
UNFINISHED = "unfinished.training"
"""File in the agent's folder that holds an unfinished training until the agent is written."""


def world_named(world: WorldModel) -> dict[str, Any]:
    """Identify a world in JSON values: where it comes from, and the SHA-256 of the arrays of a learned one."""
    identity: dict[str, Any] = {"dt": world.dt, "dynamics": type(world.dynamics).__name__}
    if "environment" in world.card:
        return identity | {"environment": world.card["environment"]}
    digest = hashlib.sha256()
    for name, value in sorted((world.parameters or {}).items()):
        digest.update(name.encode() + np.ascontiguousarray(value).tobytes())
    provenance = world.card.get("data", {}).get("provenance", {})
    return identity | {"learned_from": provenance.get("env_id"), "sha256": digest.hexdigest()}


def check_free(path: str | os.PathLike[str]) -> None:
    """Refuse a folder that holds an agent.

    Raises:
        ExistingPathError: the folder holds an agent, or the path is a file.
    """
    folder = Path(path)
    if folder.is_file():
        raise ExistingPathError(f"{folder} is a file: an agent is a folder, give another path.")
    if (folder / CARD).exists():
        raise ExistingPathError(f"{folder} holds an agent already: give another path, or overwrite it.")


def write_agent(
    path: str | os.PathLike[str], kind: str, card: Mapping[str, Any], file: str, data: bytes, *, overwrite: bool = False
) -> None:
    """Write an agent of a ``kind`` into the folder ``path``: its numbers as ``file``, then the card.

    The saved state of its unfinished training is then removed.

    Raises:
        ExistingPathError: the folder holds an agent and ``overwrite`` is False.
    """
    if not overwrite:
        check_free(path)
    folder = Path(path)
    folder.mkdir(parents=True, exist_ok=True)
    header = {"format": FORMAT, "version": VERSION, "kind": kind, "file": file}
    header["sha256"] = hashlib.sha256(data).hexdigest()
    replace_file(folder / file, data)
    replace_file(folder / CARD, (json.dumps(header | plain(card), indent=1) + "\n").encode())
    (folder / UNFINISHED).unlink(missing_ok=True)


def read_agent(path: str | os.PathLike[str]) -> tuple[dict[str, Any], bytes]:
    """Read the card of the agent folder ``path``, and the bytes of its numbers.

    Raises:
        MissingPathError: there is nothing at ``path``.
        InputError: the folder is not an agent of this package, is damaged, or has another version.
    """
    folder = Path(path)
    if not folder.exists():
        raise MissingPathError(f"No agent at {folder}: `python -m hnn_gym.agents.train` makes one.")
    if folder.is_file():
        raise InputError(
            f"{folder} is a file, not an agent's folder with {CARD}. A zip that stable-baselines3 saved elsewhere can "
            "hold code that runs when it is loaded: load it there, and pass the policy itself."
        )
    try:
        card = json.loads((folder / CARD).read_text())
        known = card["format"] == FORMAT
    except FileNotFoundError:
        raise InputError(
            f"{folder} has no {CARD}: it is not an agent of this package, or a half-written one."
        ) from None
    except (ValueError, KeyError, TypeError):
        known = False
    if not known:
        raise InputError(f"{folder / CARD} is not the card of an agent.")
    if card.get("version") == 1:
        card = release_0_1.agent_card(card)
    elif card.get("version") != VERSION:
        raise InputError(
            f"{folder} is an agent of version {card.get('version')}, and this release reads versions 1 and {VERSION}: "
            "train it again, or install the release that wrote it."
        )
    file = folder / Path(str(card.get("file"))).name
    data = file.read_bytes() if file.is_file() else b""
    if hashlib.sha256(data).hexdigest() != card.get("sha256"):
        raise InputError(f"{file} is not what its card describes: missing, truncated, or from another agent.")
    return card, data


def replace_file(path: Path, data: bytes) -> None:
    """Write a file atomically: completely, or not at all."""
    partial = path.with_name(path.name + ".partial")
    partial.write_bytes(data)
    partial.replace(path)
