"""The results of a study: one JSON file, one line a cell, replaced as a whole whenever a cell lands."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from hnn_gym.errors import InputError, checked_arguments
from hnn_gym.files.committed import replace_file
from hnn_gym.files.reading import read_bytes
from hnn_gym.files.single_file import check_is_for_a_file
from hnn_gym.files.storage import storage_errors

FORMAT = "hnn_gym results 1"


class Results:
    """Results by the name of their cell, such as ``runs/spring/hnn/0``, in memory and on disk.

    Example:
        >>> results = Results(None, command="python -m my_study")
        >>> results["cosine/0"] = 1.0
        >>> "cosine/0" in results, results.below("cosine/")
        (True, {'0': 1.0})
    """

    @checked_arguments
    def __init__(self, path: Path | None, *, command: str) -> None:
        """Read ``path`` if it exists; None keeps everything in memory.

        Args:
            path: JSON file.
            command: what computes the study, such as "python -m my_study"; the file names it.

        Raises:
            InputError: there is a file, and it does not hold results of this command.
        """
        self.path = path
        if path is not None:
            self.path = check_is_for_a_file(path)
        self._command = command
        self._content: dict[str, Any] = {}
        self._lines: dict[str, str] = {}
        self._stamp: tuple[int, ...] | None = None
        self.refresh()

    def __contains__(self, name: str) -> bool:
        return name in self._content

    def __getitem__(self, name: str) -> Any:
        return self._content[name]

    def __setitem__(self, name: str, value: Any) -> None:
        """Keep a result, on disk too.

        Raises:
            InputError: JSON cannot hold it.
        """
        try:
            line = _line(name, value)
        except (TypeError, ValueError) as error:
            raise InputError(
                f"The result {name!r} cannot be kept as JSON ({error}): return plain numbers, strings, lists and dicts."
            ) from None
        with self._written():
            self._content[name], self._lines[name] = value, line

    def __delitem__(self, name: str) -> None:
        """Forget a result, on disk too, so that it is computed again."""
        with self._written():
            self._content.pop(name, None)
            self._lines.pop(name, None)

    @contextmanager
    def _written(self) -> Iterator[None]:
        """Change what is in the file, with what another process has added to it since it was read."""
        if self.path is None:
            yield
            return
        with storage_errors(self.path):
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self.refresh()
            yield
            replace_file(self.path, self._text().encode())
            self._stamp = _stamp(self.path)

    def refresh(self) -> None:
        """Read the file again if another process has replaced it.

        Raises:
            InputError: it does not hold results of this command.
        """
        if self.path is None:
            return
        stamp = _stamp(self.path)
        unchanged = stamp == self._stamp
        if stamp is None or unchanged:
            return
        self._stamp = stamp
        try:
            content = json.loads(read_bytes(self.path))
            if content["command"] != self._command:
                raise KeyError("command")
            self._content = dict(content["measurements"])
            self._lines = {name: _line(name, value) for name, value in self._content.items()}
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            raise InputError(
                f"{self.path} does not hold results of {self._command} ({error!r}): give another path, such as another "
                "--out."
            ) from None

    def below(self, prefix: str) -> dict[str, Any]:
        """All results whose name starts with ``prefix``, by the rest of the name, in order."""
        return {name[len(prefix) :]: self._content[name] for name in sorted(self._content) if name.startswith(prefix)}

    def _text(self) -> str:
        """JSON with one result in each line, so that one new result is one new line."""
        lines = [self._lines[name] for name in sorted(self._lines)]
        header = {"command": self._command, "format": FORMAT}
        before = "".join(f' "{name}": {json.dumps(value)},\n' for name, value in header.items())
        return "{\n" + before + ' "measurements": {\n' + ",\n".join(lines) + "\n }\n}\n"


def _line(name: str, value: Any) -> str:
    return f"  {json.dumps(name)}: {json.dumps(value, sort_keys=True)}"


def _stamp(path: Path) -> tuple[int, ...] | None:
    """What tells whether a file has been replaced; None: there is none."""
    try:
        found = path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return None
    return found.st_ino, found.st_size, found.st_mtime_ns
