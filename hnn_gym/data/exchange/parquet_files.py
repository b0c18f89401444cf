"""A dataset as one Parquet file: a row for every moment, and the provenance in the metadata of the file.

Arrays of steps have no value at the last moment of an episode, which is null there. An array with axes beyond the first
is a column of lists, and the metadata hold its shape and dtype.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from hnn_gym.data.dataset import TransitionDataset
from hnn_gym.data.episode import FIELDS, Episode
from hnn_gym.data.exchange.content import check_content, content_of
from hnn_gym.data.logs.parquet import open_parquet, pyarrow
from hnn_gym.data.provenance import Provenance
from hnn_gym.errors import ExistingPathError, InputError
from hnn_gym.files.reading import damage_of, parse_json
from hnn_gym.files.single_file import check_is_for_a_file, write_file

_KEY = b"hnn_gym"


def write_parquet(dataset: TransitionDataset, path: str | Path, *, overwrite: bool = False) -> None:
    """Write a dataset that :func:`read_parquet` reads without loss, and every other program as a table.

    Raises:
        ExistingPathError: there is such a file, and ``overwrite`` is not set.
        InputError: pyarrow is not installed.
    """
    pa, parquet = pyarrow()
    target = check_is_for_a_file(path)
    if target.exists() and not overwrite:
        raise ExistingPathError(f"{target} exists already: give another path, or --overwrite.")
    tables, columns = [], {}
    for number, episode in enumerate(dataset):
        moments = episode.num_steps + 1
        named = {"episode": pa.array(np.full(moments, number))}
        for name, array in episode.arrays().items():
            columns[name] = {"dtype": array.dtype.str, "shape": list(array.shape[1:])}
            named[name] = _column(pa, array, missing=moments - len(array))
        tables.append(pa.table(named))
    table = pa.concat_tables(tables)
    note = {"columns": columns, "provenance": dataset.provenance.to_json(), "content": content_of(dataset)}
    content = pa.BufferOutputStream()
    parquet.write_table(table.replace_schema_metadata({_KEY: json.dumps(note)}), content)
    write_file(target, content.getvalue())


def is_dataset(path: str | Path) -> bool:
    """Whether :func:`write_parquet` wrote a file; False too where it cannot be read.

    Raises:
        InputError: pyarrow is not installed.
    """
    pyarrow()
    try:
        return _KEY in (open_parquet(Path(path)).schema_arrow.metadata or {})
    except InputError:
        return False


def read_parquet(path: str | Path) -> TransitionDataset:
    """Read what :func:`write_parquet` wrote.

    Raises:
        MissingPathError: there is no such file.
        InputError: it is another file, damaged, or pyarrow is not installed.
    """
    file = open_parquet(Path(path))
    text = (file.schema_arrow.metadata or {}).get(_KEY)
    if text is None:
        raise InputError(
            f"{path} is not a dataset that hnn_gym wrote as Parquet: read it as a log, with python -m hnn_gym.convert."
        )
    note = parse_json(text, path)
    with damage_of(path):
        found = _dataset(file.read(), note)
    check_content(found, note.get("content"), path)
    return found


def _dataset(table: Any, note: dict[str, Any]) -> TransitionDataset:
    provenance, columns = Provenance.from_json(note["provenance"]), note["columns"]
    numbers = table["episode"].to_numpy()
    cuts = np.flatnonzero(np.diff(numbers)) + 1
    episodes = []
    for begin, end in zip([0, *cuts], [*cuts, len(numbers)], strict=True):
        arrays = {}
        for name, kind in columns.items():
            rows = end - begin - 1 + FIELDS[name].extra
            column = table[name].slice(begin, rows).combine_chunks()
            for _ in kind["shape"][:1]:
                column = column.flatten()
            values = column.to_numpy(zero_copy_only=False)
            arrays[name] = np.asarray(values, kind["dtype"]).reshape(rows, *kind["shape"])
        episodes.append(Episode(**arrays))
    return TransitionDataset.from_episodes(episodes, provenance)


def _column(pa: Any, array: np.ndarray, *, missing: int) -> Any:
    """A column of numbers, or of flat lists of them, with nulls at its end."""
    if array.ndim == 1:
        values = pa.array(array)
    else:
        flat = np.ascontiguousarray(array).reshape(len(array), -1)
        offsets = np.arange(len(flat) + 1, dtype=np.int32) * flat.shape[1]
        values = pa.ListArray.from_arrays(offsets, pa.array(flat.ravel()))
    return pa.concat_arrays([values, pa.nulls(missing, values.type)]) if missing else values
