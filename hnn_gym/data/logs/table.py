"""A log as a table: one array of numbers for every column, from CSV, TSV, NumPy's .npz, Parquet or LeRobot.

Only the columns that are needed are read, so that a column of text does no harm.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from hnn_gym.data.logs.parquet import is_lerobot, parquet_names, read_parquet_columns
from hnn_gym.data.logs.text import header_of, is_number, read_text
from hnn_gym.errors import InputError
from hnn_gym.files.reading import check_is_file, damage_of

_TEXT, _ARRAYS, _PARQUET = (".csv", ".tsv", ".txt"), (".npz",), (".parquet", ".pq")
_SHOWN = 12


@dataclass(frozen=True)
class Table:
    """Columns of equal length.

    Attributes:
        label: what the table is called in messages, such as its path.
        columns: float64 ``(rows,)`` by name.
    """

    label: str
    columns: Mapping[str, np.ndarray]

    def stacked(self, names: Sequence[str]) -> np.ndarray:
        """Return some columns as one array ``(rows, len(names))``."""
        rows = len(next(iter(self.columns.values())))
        return np.stack([self.columns[name] for name in names], axis=1) if names else np.empty((rows, 0))


def column_names(path: str | Path) -> tuple[str, ...]:
    """Return the names of the columns of a file; a column without a name, such as a row number, cannot be chosen.

    Raises:
        MissingPathError: there is no such file.
        InputError: it is empty, of an unknown kind, or damaged; or a column has the name of another.
    """
    file = Path(path)
    kind = _kind(file)
    if kind in _ARRAYS:
        names = tuple(_arrays(file))
    elif kind in _PARQUET:
        names = parquet_names(file)
    else:
        names = header_of(file).names
    twice = {name for name in names if name and names.count(name) > 1}
    if twice:
        raise InputError(
            f"{file} has two columns that are called {min(twice)!r}: give every column a name of its own in its first "
            "line."
        )
    return tuple(name for name in names if name)


def read_table(path: str | Path, names: Sequence[str], *, incomplete: bool = False) -> Table:
    """Read the named columns of a file.

    Args:
        path: of the file.
        names: of the columns.
        incomplete: whether an empty cell of a text file is read as NaN, and refused otherwise.

    Raises:
        MissingPathError: there is no such file.
        InputError: a column is missing or holds something else than numbers, a row is too short, or there is no row.
    """
    file = Path(path)
    known = column_names(file)
    for name in names:
        if name not in known:
            raise InputError(f"{file} has no column {name!r}. Its columns are {shortened(known)}.")
    kind = _kind(file)
    if kind in _ARRAYS:
        arrays = _arrays(file)
        columns = {name: numbers(arrays[name], f"Column {name!r} of {file}") for name in names}
        lengths = {len(column) for column in columns.values()}
        if len(lengths) > 1:
            raise InputError(f"The arrays of {file} have {sorted(lengths)} rows: give columns of one length.")
    elif kind in _PARQUET:
        stored = read_parquet_columns(file, names)
        columns = {name: numbers(stored[name], f"Column {name!r} of {file}") for name in names}
    else:
        columns = read_text(file, names, incomplete=incomplete)
    if not len(next(iter(columns.values()))):
        raise InputError(f"{file} has a line of names and no row below it: a log needs at least two rows.")
    return Table(str(file), columns)


def table_of_frame(frame: Any, names: Sequence[str]) -> Table:
    """Return the named columns of a table of pandas or polars.

    Raises:
        InputError: a column is missing, or holds something else than numbers.
    """
    known = [str(name) for name in frame.columns]
    for name in names:
        if name not in known:
            raise InputError(f"The table has no column {name!r}. Its columns are {shortened(known)}.")
    return Table("table", {name: numbers(frame[name].to_numpy(), f"Column {name!r} of the table") for name in names})


def numbers(values: Any, what: str) -> np.ndarray:
    """Return values as a new float64 array ``(rows,)``; time stamps of NumPy become seconds since the first one.

    Raises:
        InputError: they are something else than numbers, or more than one in a row.
    """
    array = np.asarray(values)
    if array.ndim != 1:
        raise InputError(f"{what} has the shape {array.shape}: give one number for each row.")
    if array.dtype.kind == "M":
        return (array - array[0]) / np.timedelta64(1, "s") if len(array) else np.empty(0)
    if array.dtype.kind == "m":
        return array / np.timedelta64(1, "s")
    try:
        return np.array(array, np.float64)
    except (TypeError, ValueError):
        found = next((value for value in array if not is_number(value)), array.dtype)
        raise InputError(f"{what} holds {str(found)!r}, which is not a number.") from None


def shortened(names: Sequence[str]) -> str:
    """Join names in a sentence; of a long list only the first ones."""
    if not names:
        return "none"
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more


def _kind(file: Path) -> str:
    if is_lerobot(file):
        return _PARQUET[0]
    check_is_file(file)
    kind = "".join(file.suffixes[-2:]).lower().removesuffix(".gz") or file.suffix
    kind = Path("x" + kind).suffix
    if kind not in (*_TEXT, *_ARRAYS, *_PARQUET):
        raise InputError(
            f"{file} is of no known kind: give a .csv, .tsv or .txt file (or .gz of one), .npz or .parquet."
        )
    if file.stat().st_size == 0:
        raise InputError(f"{file} is empty: a log needs a line of names and at least two rows.")
    return kind


def _arrays(file: Path) -> dict[str, np.ndarray]:
    """The columns of an .npz file; an array with several columns, q, becomes q[0], q[1]."""
    columns: dict[str, np.ndarray] = {}
    with damage_of(file), file.open("rb") as raw, np.load(raw, allow_pickle=False) as content:
        for name in content.files:
            array = content[name]
            if array.ndim == 2:
                columns |= {f"{name}[{i}]": array[:, i] for i in range(array.shape[1])}
            elif array.ndim == 1:
                columns[name] = array
    return columns
