"""A trained agent on disk: a folder of ``agent.json``, the card, and one file with its numbers.

The card names the algorithm and its settings from closed registries and holds the SHA-256 of the numbers, so that a
foreign, half-written or mixed-up file is noticed before anything in it is read.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from hnn_gym.data.json_values import plain
from hnn_gym.errors import ExistingPathError, InputError, MissingPathError
from hnn_gym.files import release_0_1
from hnn_gym.files.committed import read_committed, replace_file, settle, write_committed
from hnn_gym.files.reading import read_bytes, read_json
from hnn_gym.files.seal import check_seal, sealed
from hnn_gym.files.storage import checked_path, storage_errors

FORMAT = "hnn_gym.agent"
VERSION = 2
CARD = "agent.json"
UNFINISHED = "unfinished.training"
"""File in the agent's folder that holds an unfinished training until the agent is written."""
BEGUN = "unfinished.json"
"""File beside it that says what the training was asked for, and the hash of the card that it replaces."""


def begin_training(path: str | os.PathLike[str], asked: Mapping[str, Any], *, overwrite: bool) -> bool:
    """Note that a training begins in the folder ``path``, and remove an unfinished one that it is to replace.

    An unfinished training of the same command is kept: it continues.

    Args:
        path: the folder.
        asked: JSON-ready settings that identify the training.
        overwrite: replace an agent, and an unfinished training of another command.

    Returns:
        Whether the training may replace the agent that is there, because it was begun to do so.

    Raises:
        StorageError: the operating system refuses to write.
    """
    folder = checked_path(path)
    card, begun = folder / CARD, folder / BEGUN
    with storage_errors(folder):
        replaces = hashlib.sha256(read_bytes(card)).hexdigest() if card.exists() else None
        own = {"asked": plain(asked), "replaces": replaces}
        continues = begun.exists() and read_json(begun) == own
        if not continues and (overwrite or replaces is None):
            if overwrite:
                (folder / UNFINISHED).unlink(missing_ok=True)
            folder.mkdir(parents=True, exist_ok=True)
            replace_file(begun, json.dumps(own).encode())
    return replaces is not None and (overwrite or continues)


@contextmanager
def nothing_left_of_nothing(path: str | os.PathLike[str]) -> Iterator[None]:
    """Remove the note of :func:`begin_training` where the block ends with an error and no training was saved."""
    folder = checked_path(path)
    try:
        yield
    except BaseException:
        if not (folder / UNFINISHED).exists():
            with contextlib.suppress(OSError):
                (folder / BEGUN).unlink(missing_ok=True)
                folder.rmdir()  # if nothing else is in it
        raise


def check_free(path: str | os.PathLike[str]) -> None:
    """Refuse a folder that holds an agent.

    Raises:
        ExistingPathError: the folder holds an agent, or the path is a file.
    """
    folder = checked_path(path)
    with storage_errors(folder):
        if folder.is_file():
            raise ExistingPathError(f"{folder} is a file: an agent is a folder, give another path.")
        taken = (folder / CARD).exists()
    if taken:
        raise ExistingPathError(f"{folder} holds an agent already: give another path, or overwrite it.")


def write_agent(
    path: str | os.PathLike[str], kind: str, card: Mapping[str, Any], file: str, data: bytes, *, overwrite: bool = False
) -> None:
    """Write an agent of a ``kind`` into the folder ``path``: its numbers as ``file``, and the card; both at once.

    The saved state of its unfinished training is then removed.

    Raises:
        ExistingPathError: the folder holds an agent and ``overwrite`` is False.
        StorageError: the operating system refuses to write; what was there before is still there.
    """
    if not overwrite:
        check_free(path)
    folder = checked_path(path)
    header = {"format": FORMAT, "version": VERSION, "kind": kind, "file": file}
    header["sha256"] = hashlib.sha256(data).hexdigest()
    text = json.dumps(sealed(json.loads(json.dumps(header | plain(card)))), indent=1) + "\n"
    with storage_errors(folder):
        write_committed(folder, CARD, text.encode(), {file: data})
    _end_training(folder)


def complete_agent(path: str | os.PathLike[str]) -> None:
    """Do what :func:`write_agent` had left to do when its process was killed, in a folder that holds its card.

    Raises:
        StorageError: the operating system refuses to write.
    """
    folder = checked_path(path)
    with storage_errors(folder):
        settle(folder, CARD)
    _end_training(folder)


def _end_training(folder: Path) -> None:
    """Remove the saved state of a training whose agent is written, and the note that it began."""
    with storage_errors(folder):
        for name in (UNFINISHED, BEGUN):
            (folder / name).unlink(missing_ok=True)


def read_agent(path: str | os.PathLike[str]) -> tuple[dict[str, Any], bytes]:
    """Read the card of the agent folder ``path``, and the bytes of its numbers.

    Raises:
        MissingPathError: there is nothing at ``path``.
        InputError: the folder is not an agent of this package, is damaged, or has another version.
    """
    folder = checked_path(path)
    with storage_errors(folder, doing="read"):
        if not folder.exists():
            raise MissingPathError(f"No agent at {folder}: `python -m hnn_gym.agents.train` makes one.")
        if folder.is_file():
            raise InputError(
                f"{folder} is a file, not an agent's folder with {CARD}. A zip that stable-baselines3 saved elsewhere "
                "can hold code that runs when it is loaded: load it there, and pass the policy itself."
            )
        if not (folder / CARD).exists():
            raise InputError(f"{folder} has no {CARD}: it is not an agent of this package, or a half-written one.")
    card = read_json(folder / CARD)
    if card.get("format") != FORMAT:
        raise InputError(f"{folder / CARD} is not the card of an agent.")
    if card.get("version") not in (1, VERSION):
        raise InputError(
            f"{folder} is an agent of version {card.get('version')}, and this release reads versions 1 and {VERSION}: "
            "train it again, or install the release that wrote it."
        )
    check_seal(card, folder / CARD)
    if card["version"] == 1:
        card = release_0_1.agent_card(card)
    if not isinstance(card.get("kind"), str):
        raise InputError(f"{folder / CARD} does not name the kind of the agent.")
    return card, read_committed(folder, Path(str(card.get("file"))).name, card.get("sha256"))
