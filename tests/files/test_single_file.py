"""A page, a film, a figure or a table is written as a whole, or what was there is kept."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hnn_gym.coordinates import write_coordinates
from hnn_gym.data.exchange.parquet_files import write_parquet
from hnn_gym.envs.shipped import resolve_world
from hnn_gym.errors import InputError, StorageError
from hnn_gym.evaluation.report import save_gif
from hnn_gym.files.single_file import write_file
from hnn_gym.page import write_page


def recording() -> Any:
    import gymnasium

    from hnn_gym.data import record_steps

    return record_steps(gymnasium.make("Pendulum-v1"), steps=3, seed=0)


WRITERS: dict[str, Callable[[Path], Any]] = {
    "page": lambda path: write_page("HNNPendulum-v0", path, overwrite=True),
    "film": lambda path: save_gif(path, [np.zeros((4, 4, 3), np.uint8)], fps=10),
    "coordinates": lambda path: write_coordinates(path, resolve_world("HNNPendulum-v0").coordinates, meaning=[]),
    "table": lambda path: write_parquet(recording(), path, overwrite=True),
    "any": lambda path: write_file(path, b"new"),
}


@pytest.mark.parametrize("name", WRITERS)
def test_what_is_there_stays_where_the_disk_is_full(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    if name == "table":
        pytest.importorskip("pyarrow")
    path = tmp_path / "file"
    path.write_text("old")

    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(StorageError, match="make room"):
            WRITERS[name](path)
    assert path.read_text() == "old"
    assert [file.name for file in tmp_path.iterdir()] == ["file"]
    WRITERS[name](path)
    assert path.read_bytes() != b"old"
    assert [file.name for file in tmp_path.iterdir()] == ["file"]


@pytest.mark.parametrize("path", ["", "a\0b", "x" * 4300])
def test_a_place_where_nothing_can_be_written_is_refused_in_words(path: str) -> None:
    for write in WRITERS.values():
        with pytest.raises(InputError):
            write(path)  # type: ignore[arg-type]
