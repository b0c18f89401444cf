"""docs/world-model-rl.ipynb is docs/world-model-rl.md, executed, and contains no path of the machine that did it."""

from __future__ import annotations

import importlib.util
import json
import re
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from hnn_gym import InputError

DOCS = Path(__file__).parent.parent / "docs"


@pytest.fixture(scope="module")
def notebook() -> ModuleType:
    spec = importlib.util.spec_from_file_location("docs_notebook", DOCS / "notebook.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # a NamedTuple looks its module up
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def kept() -> dict[str, Any]:
    return dict(json.loads((DOCS / "world-model-rl.ipynb").read_text(encoding="utf-8")))


def test_the_notebook_is_the_page_cell_for_cell(notebook: ModuleType, kept: dict[str, Any]) -> None:
    page = (DOCS / "world-model-rl.md").read_text(encoding="utf-8")
    cells = [(cell["cell_type"], "".join(cell["source"])) for cell in kept["cells"]]
    assert cells == notebook.cells(page), "docs/world-model-rl.md has changed: run python docs/notebook.py"


def test_the_notebook_was_executed_from_top_to_bottom_and_shows_its_outputs(kept: dict[str, Any]) -> None:
    code = [cell for cell in kept["cells"] if cell["cell_type"] == "code"]
    assert [cell["execution_count"] for cell in code] == list(range(1, len(code) + 1))
    outputs = [output for cell in code for output in cell["outputs"]]
    assert {output["output_type"] for output in outputs} <= {"stream", "display_data", "execute_result"}  # no error
    assert any("image/png" in output.get("data", {}) for output in outputs)
    assert (DOCS / "world-model-rl.ipynb").stat().st_size < 300_000


def test_the_notebook_contains_no_path_of_a_machine(kept: dict[str, Any]) -> None:
    for cell in kept["cells"]:
        for output in cell.get("outputs", []):
            text = "".join(output.get("text", [])) + json.dumps(
                {kind: data for kind, data in output.get("data", {}).items() if kind != "image/png"}
            )
            assert not re.search(r"(^|[\s\"'(=])(/[a-z]\w*/|~/|[A-Z]:\\)", text), text


def test_text_commands_programs_and_hidden_cells_are_distinguished(notebook: ModuleType) -> None:
    page = "# Say\n\n```text\nno cell\n```\n\n```bash\necho hello\n```\n"
    page += "<!-- notebook\nprint(1)\n-->\n\n```python\nx = 1\n```\n"
    assert notebook.cells(page) == [
        ("markdown", "# Say\n\n```text\nno cell\n```"),
        ("code", "%%bash\necho hello"),
        ("code", "print(1)"),
        ("code", "x = 1"),
    ]


def test_new_text_goes_into_the_executed_notebook_and_new_code_does_not(
    notebook: ModuleType, kept: dict[str, Any]
) -> None:
    page = (DOCS / "world-model-rl.md").read_text(encoding="utf-8")
    assert notebook.renewed(kept, page) == kept
    assert notebook.renewed(kept, page + "One more line.\n")["cells"][-1]["source"][-1] == "One more line."
    with pytest.raises(InputError, match="text-only"):
        notebook.renewed(kept, page.replace("--steps 200", "--steps 201"))


def test_cells_are_executed_in_one_empty_folder(notebook: ModuleType) -> None:
    pytest.importorskip("nbclient", reason="the extra docs is not installed")
    page = "```bash\necho hello > greeting; echo progress >&2; printf '\\033[1m'; ls\n```\n"
    page += "```python\nprint(open('greeting').read())\n```\n"
    first, second = notebook.executed(page)["cells"]
    assert [output["name"] for output in first["outputs"]] == ["stdout"]
    assert "".join(first["outputs"][0]["text"]) == "greeting\n"
    assert "".join(second["outputs"][0]["text"]).strip() == "hello"


def test_a_page_whose_command_fails_makes_no_notebook(notebook: ModuleType) -> None:
    nbclient = pytest.importorskip("nbclient", reason="the extra docs is not installed")
    with pytest.raises(nbclient.exceptions.CellExecutionError):
        notebook.executed("```bash\nexit 3\n```\n")
