"""Logs as text: one line for each row, with commas, semicolons, tabs or blanks between the cells, also compressed.

The first line names the columns. Lines that begin with # are comments; where the rows begin at once, the last comment
before them, which may also begin with %, names the columns. Spreadsheets write a byte order mark, UTF-16, a line
"sep=;" and decimal commas, and all of these are understood. A stamp may be a date such as 2024-05-01 10:00:00.5.
"""

from __future__ import annotations

import codecs
import csv
import gzip
import io
import re
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TextIO

import numpy as np

from hnn_gym.errors import InputError
from hnn_gym.files.reading import damage_of

_DELIMITERS = "\t;,"
_EMPTY = ("", "na", "null", "none", "nan")
_BEGINNING = 2**16
"""Bytes in which the encoding is looked for."""
_SEPARATOR = re.compile(r'"?sep=(.)"?', re.IGNORECASE)
_WITH_DECIMAL_COMMA = re.compile(r"[-+]?\d*,\d+([eE][-+]?\d+)?")
_DATE = re.compile(r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d.*")


@dataclass(frozen=True)
class Header:
    """How a text file is read.

    Attributes:
        names: of all columns, "" where there is none.
        delimiter: between cells; None: blanks.
        lines: above the first row.
        decimal_comma: numbers are written as 0,5.
    """

    names: tuple[str, ...]
    delimiter: str | None
    lines: int
    decimal_comma: bool


def header_of(file: Path) -> Header:
    """Read the lines above the first row, and that row.

    Raises:
        InputError: the file is no text, or there is no line of names.
    """
    comment, named, delimiter = None, None, None
    with _opened(file) as lines:
        for number, line in enumerate(lines, start=1):
            text = line.strip()
            separator = _SEPARATOR.fullmatch(text) if number == 1 else None
            if separator:
                delimiter = separator[1]
            elif text.startswith(("#", "%")):
                comment = text.lstrip("#% "), number
            elif text and named is None:
                delimiter = delimiter or _delimiter_of(text)
                names = _cells(text, delimiter)
                if all(map(is_number, names)):
                    return _named_by_comment(file, comment, names)
                named = names, number
            elif text and named is not None:
                comma = delimiter != "," and any(map(_WITH_DECIMAL_COMMA.fullmatch, _cells(text, delimiter)))
                return Header(named[0], delimiter, named[1], comma)
    if named is None:
        raise InputError(f"{file} holds no line of names: a log needs one, and at least two rows.")
    return Header(named[0], delimiter, named[1], decimal_comma=False)


def read_text(file: Path, names: Sequence[str], *, incomplete: bool) -> dict[str, np.ndarray]:
    """Return the named columns of a file, float64 ``(rows,)``; dates as seconds since 1970.

    Args:
        file: the file.
        names: of the columns; all of them are there.
        incomplete: whether an empty cell is read as NaN, and refused otherwise.

    Raises:
        InputError: a cell is not a number, or a row is too short or too long.
    """
    header = header_of(file)
    _require_no_further_cells(file, header)
    picked = [header.names.index(name) for name in names]
    try:
        with warnings.catch_warnings(action="error", category=UserWarning), _opened(file) as lines:  # there is no row
            rows = np.loadtxt(
                (line.replace(",", ".") for line in lines) if header.decimal_comma else lines,
                delimiter=header.delimiter,
                usecols=picked,
                ndmin=2,
                quotechar='"',
                comments="#",  # several of them would be looked for line by line in Python
                skiprows=header.lines,
            )
    except (ValueError, UserWarning):  # what is wrong, and where, is found row by row
        rows = np.array(list(_rows(file, names, picked, header, incomplete=incomplete))).reshape(-1, len(names))
    return {name: rows[:, i].copy() for i, name in enumerate(names)}


def is_number(value: Any) -> bool:
    """Whether Python reads a number."""
    try:
        float(value)
    except (TypeError, ValueError):
        return False
    return True


@contextmanager
def _opened(file: Path) -> Iterator[TextIO]:
    binary = gzip.open if file.suffix.lower() == ".gz" else open
    with damage_of(file):
        with binary(file, "rb") as raw:
            encoding = _encoding_of(raw.read(_BEGINNING), file)
        with binary(file, "rt", encoding=encoding, newline="") as lines:
            yield lines


def _encoding_of(beginning: bytes, file: Path) -> str:
    """UTF-16 where a mark says so, UTF-8 where the bytes are, and otherwise that of Western European Windows."""
    if beginning.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    if b"\0" in beginning:
        raise InputError(f"{file} cannot be read as text (it has bytes of 0): export it as CSV.")
    try:
        codecs.getincrementaldecoder("utf-8")().decode(beginning)
    except UnicodeDecodeError:
        return "cp1252"
    return "utf-8-sig"


def _delimiter_of(line: str) -> str | None:
    return next((mark for mark in _DELIMITERS if mark in line), None)


def _cells(line: str, delimiter: str | None) -> tuple[str, ...]:
    cells = line.split() if delimiter is None else next(csv.reader(io.StringIO(line), delimiter=delimiter))
    return tuple(cell.strip() for cell in cells)


def _named_by_comment(file: Path, comment: tuple[str, int] | None, first_row: Sequence[str]) -> Header:
    if comment is not None:
        delimiter = _delimiter_of(comment[0])
        names = _cells(comment[0], delimiter)
        if len(names) == len(first_row):
            return Header(names, delimiter, comment[1], decimal_comma=False)
    raise InputError(f"{file} begins with numbers: begin it with a line that names the columns.")


def _require_no_further_cells(file: Path, header: Header) -> None:
    """Refuse a row with more values than there are names, such as that of a decimal comma between commas."""
    mark, most = header.delimiter, len(header.names)
    with _opened(file) as lines:
        for number, line in enumerate(lines, start=1):
            long = len(line.split()) > most if mark is None else line.count(mark) >= most
            if number <= header.lines or not long or line.lstrip().startswith("#"):
                continue
            cells = _cells(line.partition("#")[0].rstrip("\r\n"), mark)
            if any(cells[most:]):
                raise InputError(
                    f"Line {number} of {file} has {len(cells)} cells, and there are {most} names: name every column in "
                    "the first line. Numbers with decimal commas need semicolons or tabs between them."
                )


def _rows(
    file: Path, names: Sequence[str], picked: Sequence[int], header: Header, *, incomplete: bool
) -> Iterator[list[float]]:
    """Read row by row, empty cells as NaN, and name the cell that is not a number."""
    with _opened(file) as lines:
        for number, line in enumerate(lines, start=1):
            if number <= header.lines or not line.strip() or line.lstrip().startswith("#"):
                continue
            cells = _cells(line.rstrip("\r\n"), header.delimiter)
            if len(cells) <= max(picked):
                raise InputError(
                    f"Line {number} of {file} has {len(cells)} cells, and {names[picked.index(max(picked))]!r} is cell "
                    f"{max(picked) + 1}: complete the line, or delete it."
                )
            row = []
            for name, i in zip(names, picked, strict=True):
                cell = cells[i].replace(",", ".") if header.decimal_comma else cells[i]
                if incomplete and cell.lower() in _EMPTY:
                    row.append(np.nan)
                elif (value := _value_of(cell)) is not None:
                    row.append(value)
                elif not cell:
                    raise InputError(
                        f"Line {number} of {file} has no value of {name!r}: leave such rows out with skip_incomplete "
                        "(--skip-incomplete). Their time passes all the same."
                    )
                else:
                    raise InputError(f"Line {number} of {file} has {cell!r} as {name!r}, which is not a number.")
            yield row


def _value_of(cell: str) -> float | None:
    """The number in a cell, or the seconds from 1970 until its date; None where it is neither."""
    if is_number(cell):
        return float(cell)
    if not _DATE.fullmatch(cell):
        return None
    try:
        moment = datetime.fromisoformat(cell)
    except ValueError:
        return None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
