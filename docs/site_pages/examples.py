"""Which programs of the pages use a public name, and under which heading; every program is run by a test.

A name is used where a program imports it from a package of hnn_gym, or reads it as an attribute of one. What another
library calls by the same word does not count.
"""

from __future__ import annotations

import ast
import inspect
import re
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

DOCS = Path(__file__).parents[1]
_PART = re.compile(
    r"^```python\n(?P<program>.*?)^```|^```.*?^```|^#{1,6} (?P<heading>[^\n]*)$", flags=re.MULTILINE | re.DOTALL
)
_MOST_LINKS = 4


class Place(NamedTuple):
    """A heading of a page below which a program stands."""

    page: str
    title: str
    heading: str

    @property
    def link(self) -> str:
        """A link to it, in Markdown, from a page of the reference."""
        anchor = re.sub(r"[^\w\- ]", "", self.heading.lower()).replace(" ", "-")
        return f"[{self.title}: {self.heading}](../../{self.page}#{anchor})"


def links(name: str, package: str) -> str:
    """Links to programs that use a name of a package, in Markdown; those made to show it come first."""
    found = sorted(places(name), key=lambda place: not place.page.startswith("examples/"))
    if not found:
        return ""
    return f"\n\nPrograms that use it: {'; '.join(place.link for place in found[:_MOST_LINKS])}."


def has_example(thing: Any, name: str) -> bool:
    """Whether a program of a page uses a name, or its docstring holds a program that is run as it stands."""
    return bool(places(name)) or any(
        ">>> " in line and "+SKIP" not in line and name in line for line in (inspect.getdoc(thing) or "").splitlines()
    )


def places(name: str) -> list[Place]:
    """Where the programs of the pages use a name."""
    return [place for place, names in _programs() if name in names]


@cache
def _programs() -> list[tuple[Place, frozenset[str]]]:
    """The names of hnn_gym that every program uses, with its place."""
    found = []
    for path in sorted(DOCS.rglob("*.md")):
        if "_generated" in path.parts:
            continue
        text = path.read_text(encoding="utf-8")
        parts = list(_PART.finditer(text))
        tree = ast.parse("\n".join(part["program"] or "" for part in parts))
        packages = {name for node in ast.walk(tree) for name in _packages(node)}
        known = {name: origin for node in ast.walk(tree) for name, origin in _imported(node).items()}
        title = heading = ""
        for part in parts:
            if part["heading"] is not None:
                heading = part["heading"]
                title = title or heading
            elif part["program"] is not None:
                place = Place(str(path.relative_to(DOCS)), title, heading)
                found.append((place, frozenset(_used(ast.parse(part["program"]), packages, known))))
    return found


def _packages(node: ast.AST) -> set[str]:
    """The names under which a statement imports packages of hnn_gym as wholes."""
    if not isinstance(node, ast.Import):
        return set()
    return {(alias.asname or alias.name).partition(".")[0] for alias in node.names if _is_ours(alias.name)}


def _imported(node: ast.AST) -> dict[str, str]:
    """The names that a statement takes out of packages of hnn_gym: as they are used, and as they are called there."""
    if not isinstance(node, ast.ImportFrom) or not _is_ours(node.module or ""):
        return {}
    return {alias.asname or alias.name: alias.name for alias in node.names}


def _is_ours(module: str) -> bool:
    return module == "hnn_gym" or module.startswith("hnn_gym.")


def _used(tree: ast.AST, packages: set[str], known: dict[str, str]) -> set[str]:
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and node.id in known:
            names.add(known[node.id])
        elif isinstance(node, ast.Attribute) and _root(node) in packages | set(known):
            names.add(node.attr)
    return names


def _root(node: ast.expr) -> str:
    while isinstance(node, ast.Attribute):
        node = node.value
    return node.id if isinstance(node, ast.Name) else ""
