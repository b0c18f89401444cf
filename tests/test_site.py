"""What the site makes of the package: entries of public names, pages of environments, and the list of all pages."""

from __future__ import annotations

import importlib
import re
import sys
from pathlib import Path

import pytest

from hnn_gym.systems import SYSTEMS

DOCS = Path(__file__).parents[1] / "docs"


@pytest.fixture(autouse=True)
def generators(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(DOCS)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)


def test_every_public_name_has_an_entry_with_text(tmp_path: Path) -> None:
    from site_pages import reference

    reference.write(tmp_path)
    for package in reference.packages():
        text = (tmp_path / "reference" / f"{package.replace('.', '-')}.md").read_text()
        entries = dict(re.findall(r"^## (\w+)\n\n(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL))
        assert set(entries) == set(importlib.import_module(package).__all__)
        for name, entry in entries.items():
            described = re.sub(r"^:{3,}.*$", "", entry, flags=re.MULTILINE)
            assert len(described.split()) >= 2, f"{package}.{name} has no docstring"
    settings = (tmp_path / "reference" / "hnn_gym.md").read_text()
    assert "- `adam_steps`: " in settings  # a field that is documented below itself


def test_every_environment_has_a_page_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from site_pages import environments

    monkeypatch.setattr(environments, "page_size", lambda name: 52_000)  # to write all pages takes long
    environments.write(tmp_path)
    pages = {path.stem for path in (tmp_path / "environments").glob("*.md")}
    assert {system.lower() for system in SYSTEMS} <= pages
    for name in pages - {"index"}:
        text = (tmp_path / "environments" / f"{name}.md").read_text()
        for part in ("| observation | what | unit | range |", "Reward", "Starts: "):
            assert part in text, (name, part)
    page = (tmp_path / "environments" / "pendulum-v1.md").read_text()
    for part in ("HNNPendulum-v0", "worlds/HNNPendulum-v0.html", "Box(-2.0, 2.0", "Entries 0 and 1 are the cosine"):
        assert part in page


def test_every_environment_with_a_picture_is_filmed_and_its_page_shows_the_film() -> None:
    from site_pages import environments, films

    for system in SYSTEMS.values():
        task = system.task_for({})
        assert task is None or films.filmed(system), system.id
        for name in films.filmed(system):
            assert f"films/{name}.gif" in environments._films(system)
    simulator = films.build_simulator("HNNMountainCar-v0")
    assert len(films._motion(simulator)) == films._FRAMES


def test_the_site_is_not_built_with_a_page_that_is_too_large(monkeypatch: pytest.MonkeyPatch) -> None:
    from site_pages import worlds

    assert 0 < worlds.page_size("HNNSpring-v0") < worlds.MOST
    monkeypatch.setattr(worlds, "MOST", 1_000)
    with pytest.raises(RuntimeError, match="1000 are allowed"):
        worlds.page_size("HNNSpring-v0")


def test_a_figure_on_white_is_followed_by_its_dark_twin_and_frames_stay_alone() -> None:
    from site_pages import pictures

    for page in DOCS.glob("*.md"):
        for _, name in pictures._PICTURE.findall(page.read_text(encoding="utf-8")):
            assert (DOCS / name).exists()
    assert pictures.with_twins("Text\n\n![words](gallery/spring.gif)\n") == (
        "Text\n\n![words](gallery/spring.gif){.only-light}![words](_generated/dark/gallery/spring.gif){.only-dark}\n"
    )
    assert pictures.twin("long-task.png") == "long-task-dark.png"
    assert pictures.with_twins("![words](images/pixels/frames.png)") == "![words](images/pixels/frames.png)"


def test_a_page_that_the_start_page_does_not_name_is_listed_by_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from site_pages import more

    for name in ("index.md", "guide.md", "new.md", "results/table.md", "_generated/reference.md"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("```{toctree}\nguide\n```" if name == "index.md" else "# A page")
    monkeypatch.setattr(more, "DOCS", tmp_path)
    more.write(tmp_path / "_generated")
    listed = (tmp_path / "_generated" / "more.md").read_text().splitlines()
    assert [line for line in listed if line.startswith("../")] == ["../new", "../results/table"]


def test_docstrings_become_markdown() -> None:
    from site_pages.docstrings import of_text

    text = (
        "Do it, see :class:`.a.B`.\n\nArgs:\n    x: a number, which\n        goes on.\n\nReturns:\n    Another one.\n"
    )
    assert of_text(text) == (
        "Do it, see `B`.\n\n**Arguments**\n\n- `x`: a number, which\n  goes on.\n\n**Returns**\n\nAnother one."
    )
