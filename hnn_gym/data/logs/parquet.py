"""Columns of Parquet files, and of LeRobot datasets, which are folders of such files (format 3, one row a frame).

A column of lists of numbers, such as LeRobot's "observation.state", becomes one column for each entry:
"observation.state[0]" and so on, or "observation.state/shoulder.pos" where LeRobot's meta/info.json names the entries.
Text, pictures and lists of unequal length are no columns of a log.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from hnn_gym.errors import InputError
from hnn_gym.files.reading import check_is_file, damage_of, read_json

_INFO = Path("meta/info.json")
EPISODE_INDEX = "episode_index"
"""Column of a LeRobot dataset that numbers its episodes."""
ENTRY = "/"
"""Between the name of a column of lists and the name of an entry."""


_MOST_BYTES, _MOST_FOR_A_BYTE = 2**30, 1000
"""A table may have more bytes than the first only if they are not more than so many times those of its file."""


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
    first = open_parquet(_files(path)[0])
    with damage_of(path):
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
    known = open_parquet(_files(path)[0]).schema_arrow.names
    wanted = {name: name if name in known else _list_of(name) for name in names}
    with damage_of(path):
        table = pa.concat_tables(
            [open_parquet(file).read(columns=sorted(set(wanted.values()))) for file in _files(path)]
        )
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
    feature = features.get(column) if isinstance(features, dict) else None
    named = feature.get("names") if isinstance(feature, dict) else None
    if isinstance(named, dict) and len(named) == 1:
        (named,) = named.values()
    return [str(name) for name in named] if isinstance(named, list) else []


def _info(path: Path) -> dict[str, Any]:
    found = read_json(path / _INFO)
    if "codebase_version" not in found:
        raise InputError(f"{path / _INFO} does not describe a LeRobot dataset: it has no codebase_version.")
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


def open_parquet(file: Path) -> Any:
    """Open a Parquet file.

    Raises:
        MissingPathError: there is no such file.
        InputError: it is another file, is damaged, or claims more rows than it can hold; or pyarrow is not installed.
    """
    _, parquet = pyarrow()
    check_is_file(file)
    with damage_of(file):
        opened = parquet.ParquetFile(file)
        rows, columns = opened.metadata.num_rows, opened.metadata.num_columns
    if rows * columns * 8 > max(_MOST_BYTES, _MOST_FOR_A_BYTE * file.stat().st_size):
        raise InputError(f"{file} claims {rows:,} rows of {columns} columns, which so small a file cannot mean.")
    return opened
