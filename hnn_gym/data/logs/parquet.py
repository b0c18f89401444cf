"""Columns of Parquet files, and of LeRobot datasets, which are folders of such files (format 3, one row a frame).

A column of lists of numbers, such as LeRobot's "observation.state", becomes one column for each entry:
"observation.state[0]" and so on, or "observation.state/shoulder.pos" where LeRobot's meta/info.json names the entries.
Text, pictures and lists of unequal length are no columns of a log.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from hnn_gym.errors import InputError

_INFO = Path("meta/info.json")
EPISODE_INDEX = "episode_index"
"""Column of a LeRobot dataset that numbers its episodes."""
ENTRY = "/"
"""Between the name of a column of lists and the name of an entry."""


def pyarrow() -> tuple[Any, Any]:
    """Return pyarrow and pyarrow.parquet.

    Raises:
        InputError: they are not installed.
    """
    try:
        import pyarrow
        from pyarrow import parquet
    except ImportError:
        raise InputError('Parquet files need pyarrow: pip install "hnn-gym[logs]".') from None
    return pyarrow, parquet


def is_lerobot(path: Path) -> bool:
    """Whether a path is the folder of a LeRobot dataset."""
    return (path / _INFO).is_file()


def parquet_names(path: Path) -> tuple[str, ...]:
    """Return the names of the columns of a Parquet file or a LeRobot dataset.

    Raises:
        InputError: it cannot be read, is of another version, or pyarrow is not installed.
    """
    pa, _ = pyarrow()
    first = _opened(_files(path)[0])
    row = next(first.iter_batches(batch_size=1), None)
    names: list[str] = []
    for field in first.schema_arrow:
        if pa.types.is_list(field.type) or pa.types.is_fixed_size_list(field.type):
            entries = row.column(field.name)[0].as_py() if row is not None and row.num_rows else None
            if entries and all(isinstance(entry, int | float) for entry in entries):
                names += entry_names(path, field.name, len(entries))
        elif not pa.types.is_nested(field.type):
            names.append(field.name)
    return tuple(names)


def read_parquet_columns(path: Path, names: Sequence[str]) -> dict[str, np.ndarray]:
    """Return the named columns as they are stored ``(rows,)``.

    Raises:
        InputError: a file cannot be read, or a column of lists has lists of unequal length.
    """
    pa, _ = pyarrow()
    known = _opened(_files(path)[0]).schema_arrow.names
    wanted = {name: name if name in known else _list_of(name) for name in names}
    table = pa.concat_tables([_opened(file).read(columns=sorted(set(wanted.values()))) for file in _files(path)])
    columns = {}
    for name, stored in wanted.items():
        column = table[stored].combine_chunks()
        if stored == name:
            columns[name] = column.to_numpy(zero_copy_only=False)
            continue
        flat = column.flatten().to_numpy(zero_copy_only=False)
        if len(column) == 0 or len(flat) % len(column):
            raise InputError(f"The lists of {stored!r} of {path} have unequal lengths: give a column for each number.")
        rows = flat.reshape(len(column), -1)
        columns[name] = rows[:, entry_names(path, stored, rows.shape[1]).index(name)]
    return columns


def entry_names(path: Path, column: str, count: int) -> list[str]:
    """Names of the ``count`` entries of a column of lists."""
    names = _feature_names(path, column)
    if len(set(names)) == len(names) == count:
        return [f"{column}{ENTRY}{name}" for name in names]
    return [f"{column}[{i}]" for i in range(count)]


def _list_of(name: str) -> str:
    return name.partition(ENTRY)[0] if ENTRY in name else name.rpartition("[")[0]


def _feature_names(path: Path, column: str) -> list[str]:
    """What meta/info.json calls the entries: a list, or a list in a dict; empty where it does not."""
    if not is_lerobot(path):
        return []
    features = _info(path).get("features")
    named = features.get(column, {}).get("names") if isinstance(features, dict) else None
    if isinstance(named, dict) and len(named) == 1:
        (named,) = named.values()
    return [str(name) for name in named] if isinstance(named, list) else []


def _info(path: Path) -> dict[str, Any]:
    try:
        info = json.loads((path / _INFO).read_text(encoding="utf-8"))
        str(info["codebase_version"])
    except (ValueError, KeyError, TypeError) as error:
        raise InputError(f"{path / _INFO} does not describe a LeRobot dataset ({error!r}).") from None
    found: dict[str, Any] = info
    return found


def _files(path: Path) -> list[Path]:
    if not path.is_dir():
        return [path]
    version = str(_info(path)["codebase_version"])
    files = sorted((path / "data").rglob("*.parquet"))
    if not version.startswith("v3") or not files:
        raise InputError(
            f"{path} is a LeRobot dataset of version {version} with {len(files)} files in data/: convert it to v3 with "
            "LeRobot's own script."
        )
    return files


def _opened(file: Path) -> Any:
    pa, parquet = pyarrow()
    try:
        return parquet.ParquetFile(file)
    except pa.ArrowInvalid as error:
        raise InputError(f"{file} cannot be read as Parquet ({error}).") from None
