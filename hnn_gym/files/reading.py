"""One reader for each format: bytes of a file, JSON, and arrays. Whatever is wrong with a file, one error names it.

Sizes are compared with what is in the file before anything of that size is allocated, and only regular files are
opened, because a pipe or a device has no end.
"""

from __future__ import annotations

import io
import json
import math
import os
import stat
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
from safetensors.numpy import load

from hnn_gym.errors import InputError, MissingPathError

MOST_JSON_BYTES = 2**24
MOST_ARRAY_BYTES = 2**29
_ARRAY_KINDS = "fiub"


def check_is_file(path: str | os.PathLike[str]) -> None:
    """Refuse what is no regular file, such as a pipe, for which a reader would wait.

    Raises:
        MissingPathError: there is nothing at ``path``.
        InputError: it is something else.
    """
    with damage_of(path):
        if not Path(path).exists():
            raise MissingPathError(f"There is no file {path}.")
        if not Path(path).is_file():
            raise InputError(f"{path} is not a regular file, and is not read: put the file that was written back.")


def read_bytes(path: str | os.PathLike[str], *, at_most: int = MOST_ARRAY_BYTES) -> bytes:
    """Read a regular file of at most so many bytes.

    Raises:
        MissingPathError: there is no such file.
        InputError: it is not a regular file, is larger, or the operating system refuses to read it.
    """
    path = Path(path)
    try:
        # A pipe without a writer would block for ever.
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
        try:
            found = os.fstat(descriptor)
            if not stat.S_ISREG(found.st_mode):
                raise InputError(f"{path} is not a regular file, and is not read: put the file that was written back.")
            if found.st_size > at_most:
                raise InputError(
                    f"{path} has {found.st_size:,} bytes, and at most {at_most:,} are read: it is not what this "
                    "package writes."
                )
            with open(descriptor, "rb", closefd=False) as file:
                return file.read(at_most)
        finally:
            os.close(descriptor)
    except FileNotFoundError:
        raise MissingPathError(f"There is no file {path}.") from None
    except InputError:
        raise
    except (OSError, ValueError) as error:  # ValueError: a path that holds a null character
        raise InputError(f"{path} cannot be read: {_reason(error)}.") from None


@contextmanager
def damage_of(source: object) -> Iterator[None]:
    """Turn whatever a library raises in the block into an InputError that names ``source``.

    It says that ``source`` is damaged, but where the operating system refuses to read it.
    """
    try:
        yield
    except InputError:
        raise
    except Exception as error:  # libraries report damage by many types, also by an OSError without a number
        if isinstance(error, OSError) and error.errno is not None:
            raise InputError(f"{source} cannot be read: {_reason(error)}.") from None
        raise InputError(f"{source} is damaged: it cannot be read ({_reason(error)}).") from None


def read_json(path: str | os.PathLike[str]) -> dict[str, Any]:
    """Read a file that holds one JSON object, whose numbers are finite.

    Raises:
        MissingPathError: there is no such file.
        InputError: it cannot be read, is larger than :data:`MOST_JSON_BYTES`, or is not such an object.
    """
    return parse_json(read_bytes(path, at_most=MOST_JSON_BYTES), path)


def parse_json(data: bytes | str, source: str | os.PathLike[str]) -> dict[str, Any]:
    """As :func:`read_json`, of what ``source`` holds."""
    try:
        value = json.loads(data, parse_constant=_refuse_constant, parse_float=_finite)
    except (ValueError, RecursionError, MemoryError) as error:
        raise InputError(f"{source} is not JSON ({_reason(error)}): it is damaged, or not one of ours.") from None
    if not isinstance(value, dict):
        raise InputError(f"{source} holds no JSON object: it is damaged, or not one of ours.")
    return value


def parse_arrays(data: bytes, source: str | os.PathLike[str]) -> dict[str, np.ndarray]:
    """Return the arrays of a safetensors file whose bytes are ``data``; ``source`` is what errors call it.

    Raises:
        InputError: the bytes are not such a file, or hold a dtype that NumPy does not have.
    """
    try:
        return load(data)
    except Exception as error:  # the library reports damage by many types
        raise InputError(f"{source} is damaged: its arrays cannot be read ({_reason(error)}).") from None


def parse_notes(data: bytes, source: str | os.PathLike[str]) -> dict[str, str]:
    """Return the texts by name that a safetensors file holds beside its arrays; see :func:`parse_arrays`."""
    size = int.from_bytes(data[:8], "little")
    notes = parse_json(data[8 : 8 + min(size, MOST_JSON_BYTES)], source).get("__metadata__", {})
    if not isinstance(notes, dict):
        raise InputError(f"{source} is damaged: its notes cannot be read.")
    return notes


def parse_zipped_arrays(data: bytes, source: str | os.PathLike[str], *, at_most: int) -> dict[str, np.ndarray]:
    """Return the arrays of an archive that :func:`numpy.savez` wrote; no pickle is opened.

    Raises:
        InputError: the bytes are not such an archive, or an array is not of the size that its header declares.
    """
    try:
        check_archive(data, source, at_most=at_most)
        found = {}
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            for entry in archive.infolist():
                content = io.BytesIO(archive.read(entry))
                version = np.lib.format.read_magic(content)
                header = (
                    np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
                )
                shape, _, dtype = header(content)
                if (
                    dtype.kind not in _ARRAY_KINDS
                    or math.prod(shape) * dtype.itemsize != entry.file_size - content.tell()
                ):
                    raise ValueError(f"{entry.filename} declares {dtype} {shape}")
                content.seek(0)
                found[entry.filename.removesuffix(".npy")] = np.load(content, allow_pickle=False)
        return found
    except InputError:
        raise
    except Exception as error:  # NumPy and zipfile report damage by many types
        raise InputError(f"{source} is damaged: its arrays cannot be read ({_reason(error)}).") from None


def check_archive(data: bytes, source: str | os.PathLike[str], *, at_most: int) -> int:
    """Return how many bytes a zip archive unpacks to, which are at most ``at_most``.

    Raises:
        InputError: they are more, or the bytes are not an archive.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            size = sum(entry.file_size for entry in archive.infolist())
    except Exception as error:  # zipfile reports damage by many types
        raise InputError(f"{source} is damaged: it is not a zip archive ({_reason(error)}).") from None
    if size > at_most:
        raise InputError(
            f"{source} unpacks to {size:,} bytes, and at most {at_most:,} are read: it is not one of ours."
        )
    return size


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"the number {name} is not finite")


def _finite(digits: str) -> float:
    value = float(digits)
    if not math.isfinite(value):
        raise ValueError(f"the number {digits[:20]} is not finite")
    return value


def _reason(error: BaseException) -> str:
    """One line about an error of a library."""
    text = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    line = " ".join(text.split())
    return f"{line[:200]}" if line else type(error).__name__
