"""What a file of another format says of the dataset in it, so that damage is noticed."""

from __future__ import annotations

import hashlib
import json
import os

from hnn_gym.data.dataset import TransitionDataset
from hnn_gym.errors import InputError


def content_of(dataset: TransitionDataset) -> str:
    """A hash of all arrays and of the provenance."""
    text = json.dumps(dataset.provenance.to_json(), sort_keys=True)
    return hashlib.sha256(f"{dataset.content_hash()} {text}".encode()).hexdigest()


def check_content(dataset: TransitionDataset, written: str | None, source: str | os.PathLike[str]) -> None:
    """Refuse a dataset that is not the one that was written.

    Args:
        dataset: what was read.
        written: the hash that was written beside it; None: release 0.2 wrote none.
        source: what errors call it.

    Raises:
        InputError: an array or the provenance was changed.
    """
    if written is not None and written != content_of(dataset):
        raise InputError(
            f"{os.fspath(source)} was changed after it was written, so that it may be damaged: restore it, or convert "
            "the dataset again."
        )
