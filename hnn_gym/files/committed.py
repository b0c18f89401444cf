"""A folder of several files that changes as a whole: its card names the SHA-256 of every other file.

New files are written beside the old ones, as ``NAME.next``. Then the card is replaced by one rename, which is the
moment of the change, and the new files take the places of the old ones. A process that is killed before the rename
leaves the old content, and one that is killed after it leaves the new content: a reader takes the file, ``NAME`` or
``NAME.next``, that has the hash of the card.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
from collections.abc import Mapping
from pathlib import Path

from hnn_gym.errors import InputError, MissingPathError
from hnn_gym.files.interrupts import deferred_interrupts
from hnn_gym.files.path_lock import PathLock
from hnn_gym.files.reading import MOST_ARRAY_BYTES, read_bytes

_NEXT = ".next"
_PARTIAL = ".partial"


def write_committed(folder: Path, card: str, text: bytes, files: Mapping[str, bytes]) -> None:
    """Write ``files`` and then the card, so that a reader finds all of them or all that were there before.

    What a killed process has left unfinished in the folder is removed.

    Args:
        folder: is made if it does not exist.
        card: name of the card.
        text: content of the card, which holds the SHA-256 of every file.
        files: contents by name; a name may lead into a folder inside.

    Raises:
        OSError: the files cannot be written; the folder then holds what it held before.
    """
    with deferred_interrupts():
        folder.mkdir(parents=True, exist_ok=True)
        lock = PathLock(folder / card)
        lock.acquire(wait=True)  # two processes that write at once follow one another
        written = []
        try:
            _settle(folder, card)
            for name, data in files.items():
                place = folder / f"{name}{_NEXT}"
                place.parent.mkdir(parents=True, exist_ok=True)
                written.append(place)
                _write(place, data)
            replace_file(folder / card, text)
            for name in files:
                (folder / f"{name}{_NEXT}").replace(folder / name)
        except BaseException:
            if not _is_committed(folder / card, text):
                for place in written:
                    with contextlib.suppress(OSError):
                        place.unlink(missing_ok=True)
            raise
        finally:
            lock.release()
            with contextlib.suppress(OSError):
                folder.rmdir()  # if nothing could be written


def settle(folder: Path, card: str) -> None:
    """Complete a change that a killed process had made by its card, and remove what it had only begun.

    Raises:
        OSError: the operating system refuses to.
    """
    lock = PathLock(folder / card)
    lock.acquire(wait=True)
    try:
        _settle(folder, card)
    finally:
        lock.release()


def _is_committed(card: Path, text: bytes) -> bool:
    try:
        return card.read_bytes() == text
    except OSError:
        return False


def read_committed(folder: Path, name: str, sha256: object, *, at_most: int = MOST_ARRAY_BYTES) -> bytes:
    """Read the file of a folder that has the hash that its card holds.

    Raises:
        InputError: there is none.
    """
    faults = []
    for place in (folder / name, folder / f"{name}{_NEXT}"):
        try:
            data = read_bytes(place, at_most=at_most)
        except MissingPathError:
            continue
        except InputError as error:
            faults.append(str(error))
            continue
        if hashlib.sha256(data).hexdigest() == sha256:
            return data
        faults.append(f"{place} is not what its card describes: it was truncated, or belongs to another folder.")
    raise InputError(faults[0] if faults else f"{folder} has no {name}: a part of it was removed, or never written.")


def _settle(folder: Path, card: str) -> None:
    """As :func:`settle`, by the holder of the lock."""
    for place in _files(folder, _PARTIAL):
        place.unlink(missing_ok=True)
    begun = _files(folder, _NEXT)
    if begun:
        text = (folder / card).read_bytes() if (folder / card).is_file() else b""
        for place in begun:
            if hashlib.sha256(place.read_bytes()).hexdigest().encode() in text:
                place.replace(place.with_suffix(""))
            else:
                place.unlink()


def _files(folder: Path, ending: str) -> list[Path]:
    """The files in a folder, or in one inside it, whose names end so; folders belong to other writers."""
    found = (*folder.glob(f"*{ending}"), *folder.glob(f"*/*{ending}"))
    return [place for place in found if place.is_file()]


def replace_file(path: Path, data: bytes) -> None:
    """Write a file as a whole, or not at all.

    Raises:
        OSError: it cannot be written; what was there before is still there.
    """
    partial = path.with_name(path.name + _PARTIAL)
    try:
        _write(partial, data)
        partial.replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            partial.unlink(missing_ok=True)
        raise


def _write(path: Path, data: bytes) -> None:
    with path.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
