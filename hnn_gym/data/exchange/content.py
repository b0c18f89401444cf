"""What a file of another format says of the dataset in it, so that damage is noticed."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from typing import Any

from hnn_gym.data.dataset import TransitionDataset
from hnn_gym.errors import InputError


def content_of(dataset: TransitionDataset) -> str:
    """A hash of all arrays and of the provenance."""
    text = json.dumps(dataset.provenance.to_json(), sort_keys=True)
    return hashlib.sha256(f"{dataset.content_hash()} {text}".encode()).hexdigest()


def check_content(dataset: TransitionDataset, note: Mapping[str, Any], source: str | os.PathLike[str]) -> None:
    """Refuse a dataset that is not the one that was written; a note of release 0.2 has no hash.

    Raises:
        InputError: an array or the provenance was changed.
    """
    if "content" in note and note["content"] != content_of(dataset):
        raise InputError(
            f"{os.fspath(source)} was changed after it was written, so that it may be damaged: restore it, or convert "
            "the dataset again."
        )
