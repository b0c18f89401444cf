"""docs/world-model-rl.md as a notebook, executed: python docs/notebook.py.

It takes some ten minutes, and the extra ``docs``. The page is the only source. Its bash blocks become ``%%bash`` cells,
its python blocks code cells, what stands in a comment ``<!-- notebook ... -->``, which the page does not show, a code
cell too, and all else text. The cells run in an empty folder, so that no output names a place of the machine; progress
bars are left out.
"""

from __future__ import annotations

import json
import os
import re
import sys
import tempfile
from pathlib import Path
from typing import Any, NamedTuple

PAGE = Path(__file__).parent / "world-model-rl.md"
NOTEBOOK = PAGE.with_suffix(".ipynb")
_CODE = re.compile(r"```(bash|python)\n(.*?)```|<!-- (notebook)\n(.*?)-->", flags=re.DOTALL)


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

    notebook = nbformat.v4.new_notebook()
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
            cell.outputs = [output for output in cell.outputs if output.get("name") != "stderr"]
    return dict(json.loads(nbformat.writes(notebook)))


def main() -> None:
    """Execute the page and write the notebook beside it."""
    NOTEBOOK.write_text(json.dumps(executed(PAGE.read_text(encoding="utf-8")), indent=1) + "\n", encoding="utf-8")
    print(f"{NOTEBOOK.name}: {NOTEBOOK.stat().st_size / 1024:.0f} KiB")


if __name__ == "__main__":
    main()
