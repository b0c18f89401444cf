"""A log as a table: one array of numbers for every column, from CSV, TSV, NumPy's .npz, Parquet or LeRobot.

A text file has one line for each row, with commas, semicolons, tabs or blanks between the cells, and may be compressed
by gzip. Its first line names the columns. Lines that begin with # are comments; where the rows begin at once, the last
comment before them, which may also begin with %, names the columns. Only the columns that are needed are read, so that
a column of text does no harm.
"""

from __future__ import annotations

import csv
import gzip
import io
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

import numpy as np

from hnn_gym.data.logs.parquet import is_lerobot, parquet_names, read_parquet_columns
from hnn_gym.errors import InputError, MissingPathError

_DELIMITERS = "\t;,"
_TEXT, _ARRAYS, _PARQUET = (".csv", ".tsv", ".txt"), (".npz",), (".parquet", ".pq")
_EMPTY = ("", "na", "null", "none")
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
    """Return the names of the columns of a file.

    Raises:
        MissingPathError: there is no such file.
        InputError: it is empty, of an unknown kind, or damaged; or a column has no name, or that of another.
    """
    file = Path(path)
    kind = _kind(file)
    if kind in _ARRAYS:
        names = tuple(_arrays(file))
    elif kind in _PARQUET:
        names = parquet_names(file)
    else:
        names = _header(file)[0]
    twice = {name for name in names if names.count(name) > 1}
    if twice or "" in names:
        fault = f"two columns that are called {min(twice)!r}" if twice - {""} else "a column without a name"
        raise InputError(f"{file} has {fault}: give every column a name of its own in its first line.")
    return names


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
        columns = _read_text(file, names, known, incomplete=incomplete)
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
        found = next((value for value in array if not _is_number(value)), array.dtype)
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
    if not file.is_file():
        raise MissingPathError(f"There is no file {file}.")
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
    try:
        with np.load(file, allow_pickle=False) as content:
            for name in content.files:
                array = content[name]
                if array.ndim == 2:
                    columns |= {f"{name}[{i}]": array[:, i] for i in range(array.shape[1])}
                elif array.ndim == 1:
                    columns[name] = array
    except (OSError, ValueError, EOFError) as error:
        raise InputError(f"{file} cannot be read as an .npz file of numbers ({error}).") from None
    return columns


@contextmanager
def _opened(file: Path) -> Iterator[TextIO]:
    try:
        if file.suffix.lower() == ".gz":
            with gzip.open(file, "rt", encoding="utf-8-sig", newline="") as lines:
                yield lines
        else:
            with file.open(encoding="utf-8-sig", newline="") as lines:
                yield lines
    except (UnicodeDecodeError, EOFError, gzip.BadGzipFile) as error:
        raise InputError(f"{file} cannot be read as text ({error}).") from None


def _header(file: Path) -> tuple[tuple[str, ...], str | None, int]:
    """The names of the columns, the character between cells (None: blanks), and the number of the first row's line."""
    comment = None
    with _opened(file) as lines:
        for number, line in enumerate(lines, start=1):
            text = line.strip()
            if text.startswith(("#", "%")):
                comment = text.lstrip("#% "), number
            elif text:
                names, delimiter = _cells(text)
                if not all(map(_is_number, names)):
                    return names, delimiter, number
                if comment is None or len(_cells(comment[0])[0]) != len(names):
                    raise InputError(f"{file} begins with numbers: begin it with a line that names the columns.")
                return _cells(comment[0])[0], delimiter, comment[1]
    raise InputError(f"{file} holds no line of names: a log needs one, and at least two rows.")


def _cells(line: str) -> tuple[tuple[str, ...], str | None]:
    delimiter = next((mark for mark in _DELIMITERS if mark in line), None)
    cells = line.split() if delimiter is None else next(csv.reader(io.StringIO(line), delimiter=delimiter))
    return tuple(cell.strip() for cell in cells), delimiter


def _read_text(file: Path, names: Sequence[str], known: Sequence[str], *, incomplete: bool) -> dict[str, np.ndarray]:
    _, delimiter, first = _header(file)
    picked = [known.index(name) for name in names]
    try:
        with warnings.catch_warnings(action="error", category=UserWarning):  # there is no row
            rows = np.loadtxt(
                file,
                delimiter=delimiter,
                usecols=picked,
                ndmin=2,
                quotechar='"',
                comments="#",  # several of them would be looked for line by line in Python
                skiprows=first,
                encoding="utf-8",
            )
        return {name: rows[:, i].copy() for i, name in enumerate(names)}
    except (ValueError, UserWarning):
        pass  # what is wrong, and where, is found row by row
    rows = np.array(list(_rows(file, names, picked, delimiter, first, incomplete=incomplete))).reshape(-1, len(names))
    return {name: rows[:, i].copy() for i, name in enumerate(names)}


def _rows(
    file: Path, names: Sequence[str], picked: Sequence[int], delimiter: str | None, first: int, *, incomplete: bool
) -> Iterator[list[float]]:
    """Read row by row, empty cells as NaN, and name the cell that is not a number."""
    with _opened(file) as lines:
        for number, line in enumerate(lines, start=1):
            if number <= first or not line.strip() or line.lstrip().startswith("#"):
                continue
            cells = line.split() if delimiter is None else next(csv.reader(io.StringIO(line), delimiter=delimiter))
            if len(cells) <= max(picked):
                raise InputError(
                    f"Line {number} of {file} has {len(cells)} cells, and {names[picked.index(max(picked))]!r} is cell "
                    f"{max(picked) + 1}: complete the line, or delete it."
                )
            row = []
            for name, i in zip(names, picked, strict=True):
                cell = cells[i].strip()
                if incomplete and cell.lower() in _EMPTY:
                    row.append(np.nan)
                elif _is_number(cell):
                    row.append(float(cell))
                elif not cell:
                    raise InputError(
                        f"Line {number} of {file} has no value of {name!r}: leave such rows out with skip_incomplete "
                        "(--skip-incomplete). Their time passes all the same."
                    )
                else:
                    raise InputError(f"Line {number} of {file} has {cell!r} as {name!r}, which is not a number.")
            yield row


def _is_number(value: Any) -> bool:
    try:
        float(value)
    except (TypeError, ValueError):
        return False
    return True
