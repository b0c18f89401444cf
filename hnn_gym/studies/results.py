"""The results of a study: one JSON file, one line a cell, replaced as a whole whenever a cell lands."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from hnn_gym.errors import InputError, checked_arguments

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
        self.path, self._command = path, command
        self._content: dict[str, Any] = {}
        self._lines: dict[str, str] = {}
        if path is not None and path.exists():
            try:
                content = json.loads(path.read_text())
                if content["command"] != command:
                    raise KeyError("command")
                self._content = dict(content["measurements"])
                self._lines = {name: _line(name, value) for name, value in self._content.items()}
            except (ValueError, KeyError, TypeError) as error:
                raise InputError(
                    f"{path} does not hold results of {command} ({error!r}): give another path, such as another --out."
                ) from None

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
        self._content[name], self._lines[name] = value, line
        self._write()

    def __delitem__(self, name: str) -> None:
        """Forget a result, on disk too, so that it is computed again."""
        del self._content[name], self._lines[name]
        self._write()

    def _write(self) -> None:
        if self.path is None:
            return
        self.path.parent.mkdir(parents=True, exist_ok=True)
        partial = self.path.with_suffix(".partial")
        partial.write_text(self._text())
        partial.replace(self.path)

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
