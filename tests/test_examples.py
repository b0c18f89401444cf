"""The programs in docstrings run, and every public name has one, or one on a page of ``docs``."""

from __future__ import annotations

import doctest
import importlib
import sys
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[1] / "docs"
MODULES = [
    path.relative_to(DOCS.parent).with_suffix("").as_posix().replace("/", ".")
    for path in sorted((DOCS.parent / "hnn_gym").rglob("*.py"))
    if any(">>> " in line and "+SKIP" not in line for line in path.read_text(encoding="utf-8").splitlines())
]


@pytest.mark.parametrize("module", [name.removesuffix(".__init__") for name in MODULES])
def test_the_programs_in_docstrings_give_what_they_say(
    module: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    found = doctest.testmod(importlib.import_module(module), optionflags=doctest.ELLIPSIS)
    assert found.attempted > 0
    assert found.failed == 0, capsys.readouterr().out


def test_every_public_name_has_a_program_that_uses_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(DOCS)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    from site_pages import examples, reference

    for package in reference.packages():
        module = importlib.import_module(package)
        lacking = [name for name in module.__all__ if not examples.has_example(getattr(module, name), name)]
        assert lacking == [], f"no program uses these names of {package}"
    assert not examples.has_example(None, "Unheard")
    assert examples.places("rollout")[0].link == (
        "[Examples: physics: A true system, a scheme and a motion]"
        "(../../examples/physics.md#a-true-system-a-scheme-and-a-motion)"
    )
