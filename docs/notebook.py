"""Make docs/world-model-rl.ipynb, an executed notebook, from docs/world-model-rl.md: python docs/notebook.py.

It takes eight minutes of processor time and needs the extra ``docs``. The page is the only source: a bash block becomes
a ``%%bash`` cell, a python block a code cell, a comment ``<!-- notebook ... -->``, which the page does not
show, a code cell too, and all else is text. The cells run in an empty folder, so that no output contains a path of the
machine, and progress bars are removed. If only text has changed, --text-only updates the text and keeps the outputs.
"""

from __future__ import annotations

import json
import os
import re
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from hnn_gym.command import run
from hnn_gym.errors import InputError

PAGE = Path(__file__).parent / "world-model-rl.md"
NOTEBOOK = PAGE.with_suffix(".ipynb")
_CODE = re.compile(r"```(bash|python)\n(.*?)```|<!-- (notebook)\n(.*?)-->", flags=re.DOTALL)
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")


class Cell(NamedTuple):
    """A cell without outputs; ``kind`` is "markdown" or "code"."""

    kind: str
    source: str


def cells(page: str) -> list[Cell]:
    """The cells of a page in Markdown, in order."""
    found, begin = [], 0
    for block in _CODE.finditer(page):
        language, code = [part for part in block.groups() if part is not None]
        found.append(Cell("markdown", page[begin : block.start()].strip()))
        found.append(Cell("code", ("%%bash\n" if language == "bash" else "") + code.strip()))
        begin = block.end()
    found.append(Cell("markdown", page[begin:].strip()))
    return [cell for cell in found if cell.source]


def executed(page: str) -> dict[str, Any]:
    """Run the cells of a page one after the other; return the notebook, as JSON values.

    Raises:
        nbclient.exceptions.CellExecutionError: a cell failed.
    """
    import nbformat
    from nbclient import NotebookClient

    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    notebook = nbformat.v4.new_notebook(metadata={"kernelspec": kernel})
    for number, (kind, source) in enumerate(cells(page)):
        new = nbformat.v4.new_code_cell if kind == "code" else nbformat.v4.new_markdown_cell
        notebook.cells.append(new(source, id=f"cell-{number}"))
    interpreter = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    with tempfile.TemporaryDirectory() as folder:
        resources = {"metadata": {"path": folder}}
        client = NotebookClient(notebook, timeout=None, record_timing=False, resources=resources)
        client.execute(env={**os.environ, "PATH": interpreter})
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs = _readable(cell.outputs)
    return dict(json.loads(nbformat.writes(notebook)))


def _readable(outputs: list[Any]) -> list[Any]:
    """Outputs without progress bars and colours, with consecutive pieces of printed text joined."""
    kept: list[Any] = []
    for output in outputs:
        if output.output_type == "stream":
            if output.name == "stderr":
                continue
            if kept and kept[-1].output_type == "stream":
                kept[-1].text += output.text
                continue
        kept.append(output)
    for output in kept:
        if output.output_type == "stream":  # after joining, because a colour's code may come in pieces
            output.text = _COLOUR.sub("", output.text)
    return kept


def renewed(notebook: dict[str, Any], page: str) -> dict[str, Any]:
    """The notebook with the new text of the page and its old outputs.

    Raises:
        InputError: the code of the page differs from the code that was executed.
    """
    kept = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    found = cells(page)
    if ["".join(cell["source"]) for cell in kept] != [source for kind, source in found if kind == "code"]:
        raise InputError("The code of the page differs from the code that was executed: leave out --text-only.")
    text = {"cell_type": "markdown", "metadata": {}}
    made = [
        kept.pop(0) if kind == "code" else {**text, "source": source.splitlines(keepends=True)}
        for kind, source in found
    ]
    return {**notebook, "cells": [{**cell, "id": f"cell-{number}"} for number, cell in enumerate(made)]}


@dataclass(frozen=True)
class NotebookSettings:
    """Make docs/world-model-rl.ipynb from docs/world-model-rl.md."""

    text_only: bool = False
    """Execute nothing: update the text and keep the outputs."""


def main(settings: NotebookSettings) -> None:
    """Execute the page, or update its text, and write the notebook beside it."""
    page = PAGE.read_text(encoding="utf-8")
    made = renewed(json.loads(NOTEBOOK.read_text(encoding="utf-8")), page) if settings.text_only else executed(page)
    NOTEBOOK.write_text(json.dumps(made, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    print(f"{NOTEBOOK.name}: {NOTEBOOK.stat().st_size / 1024:.0f} KiB")


if __name__ == "__main__":
    run(main, NotebookSettings, prog="python docs/notebook.py")
