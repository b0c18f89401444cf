"""Docstrings of this package as Markdown: Google's sections become lists, and roles become code."""

from __future__ import annotations

import inspect
import re
from typing import Any

SECTIONS = ("Args", "Attributes", "Returns", "Yields", "Raises", "Example", "Examples", "Source")
_HEADING = re.compile(rf"^({'|'.join(SECTIONS)}):$")
_ROLE = re.compile(r":(?:class|func|meth|mod|data|attr|exc):`~?\.*([^`<]+?)(?:\(\))?`")
_ITEM = re.compile(r"^(\*{0,2}[\w.]+(?:, \w+)*):\s+(.*)$")


def markdown(thing: Any) -> str:
    """The docstring of an object as Markdown, or nothing where it has none of its own."""
    text = inspect.getdoc(thing) or ""
    return of_text(text)


def of_text(text: str) -> str:
    """A docstring as Markdown."""
    text = _ROLE.sub(lambda found: f"`{found[1].rpartition('.')[2]}`", text)
    parts: list[tuple[str, list[str]]] = [("", [])]
    for line in text.splitlines():
        heading = _HEADING.match(line)
        if heading:
            parts.append((heading[1], []))
        else:
            parts[-1][1].append(line)
    return "\n\n".join(_part(name, inspect.cleandoc("\n".join(lines))) for name, lines in parts if any(lines)).strip()


def _part(name: str, text: str) -> str:
    if not name:
        return text
    if name.startswith("Example"):
        return f"**{name}**\n\n```python\n{text}\n```"
    if name in ("Args", "Attributes", "Raises"):
        return f"**{ {'Args': 'Arguments'}.get(name, name) }**\n\n{_items(text)}"
    return f"**{name}**\n\n{text}"


def _items(text: str) -> str:
    """Lines "name: what it is" as a list; a line that goes on from the one before is indented."""
    items: list[str] = []
    for line in text.splitlines():
        found = _ITEM.match(line)
        if found:
            items.append(f"- `{found[1]}`: {found[2]}")
        elif items:
            items[-1] += f"\n  {line.strip()}"
        else:
            items.append(line)
    return "\n".join(items)
