"""Seals: the hash of everything else in a file, so that a value that was changed by damage is noticed.

A person who changes a JSON file on purpose removes its entry ``seal``.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from typing import Any

import numpy as np

from hnn_gym.errors import InputError

_SEAL = "seal"
_SEAL_BYTES = hashlib.sha256().digest_size


def sealed(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return JSON values with their seal, in place of an older one."""
    return {**{name: value for name, value in values.items() if name != _SEAL}, _SEAL: _hash(values)}


def check_seal(values: Mapping[str, Any], source: str | os.PathLike[str]) -> None:
    """Refuse JSON values that were changed after they were sealed; those without a seal are not checked.

    Raises:
        InputError: the seal is another than that of the values.
    """
    if _SEAL in values and values[_SEAL] != _hash(values):
        raise InputError(
            f"{os.fspath(source)} was changed after it was written, so that it may be damaged: restore it, or remove "
            f'its entry "{_SEAL}" if the change is yours.'
        )


def sealed_bytes(data: bytes) -> bytes:
    """Return bytes with their SHA-256 at the end."""
    return data + hashlib.sha256(data).digest()


def unsealed_bytes(data: bytes, source: str | os.PathLike[str]) -> bytes:
    """Return what :func:`sealed_bytes` was given.

    Raises:
        InputError: the bytes are others than those that were written to ``source``.
    """
    content, seal = data[:-_SEAL_BYTES], data[-_SEAL_BYTES:]
    if hashlib.sha256(content).digest() != seal:
        raise InputError(f"{os.fspath(source)} was changed after it was written, or is not one of ours.")
    return content


def hash_of_arrays(arrays: Mapping[str, np.ndarray], notes: Mapping[str, str]) -> str:
    """Return the SHA-256 of arrays and of the texts beside them, whatever the order of their names."""
    total = hashlib.sha256(json.dumps(dict(notes), sort_keys=True).encode())
    for name, value in sorted(arrays.items()):
        total.update(f"\n{name} {value.dtype.str} {value.shape}\n".encode())
        total.update(np.ascontiguousarray(value).tobytes())
    return total.hexdigest()


def _hash(values: Mapping[str, Any]) -> str:
    rest = {name: value for name, value in values.items() if name != _SEAL}
    return hashlib.sha256(json.dumps(rest, sort_keys=True).encode()).hexdigest()
