"""Raw results as one JSON file with one line each, written at once, so that a stopped run resumes where it was."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from hnn_gym.errors import InputError


class Results:
    """Measurements by key such as ``runs/spring/hnn/0``, in memory and on disk."""

    def __init__(self, path: Path | None, *, experiment: str) -> None:
        """Read ``path`` if it exists; None keeps everything in memory.

        Args:
            path: JSON file.
            experiment: name of the module in :mod:`experiments`.

        Raises:
            InputError: there is a file, and it does not hold results of this experiment.
        """
        self._path, self._experiment = path, experiment
        self._content: dict[str, Any] = {}
        if path is not None and path.exists():
            try:
                content = json.loads(path.read_text())
                if content["format"] != self._format:
                    raise KeyError("format")
                self._content = content["measurements"]
            except (ValueError, KeyError, TypeError, AttributeError) as error:
                raise InputError(
                    f"{path} does not hold results of this experiment ({error!r}): give another --out."
                ) from None

    def __contains__(self, key: str) -> bool:
        return key in self._content

    def __getitem__(self, key: str) -> Any:
        return self._content[key]

    def __setitem__(self, key: str, value: Any) -> None:
        self._content[key] = value
        if self._path is None:
            return
        self._path.parent.mkdir(parents=True, exist_ok=True)
        partial = self._path.with_suffix(".partial")
        partial.write_text(self._text())
        partial.replace(self._path)

    def _text(self) -> str:
        """JSON with one measurement in each line, so that one new measurement is one new line."""
        command = f"python -m experiments.{self._experiment}"
        lines = [
            f"  {json.dumps(key)}: {json.dumps(self._content[key], sort_keys=True)}" for key in sorted(self._content)
        ]
        header = {"command": command, "format": self._format}
        before = "".join(f' "{name}": {json.dumps(value)},\n' for name, value in header.items())
        return "{\n" + before + ' "measurements": {\n' + ",\n".join(lines) + "\n }\n}\n"

    @property
    def _format(self) -> str:
        return f"hnn_gym {self._experiment} results 1"

    def below(self, prefix: str) -> dict[str, Any]:
        """All measurements whose key starts with ``prefix``, by the rest of the key, in order."""
        return {key[len(prefix) :]: self._content[key] for key in sorted(self._content) if key.startswith(prefix)}
