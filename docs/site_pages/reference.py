"""The reference: every public name of every package, from its docstring."""

from __future__ import annotations

import ast
import importlib
import inspect
import pkgutil
import re
import sys
import textwrap
from dataclasses import is_dataclass
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import hnn_gym
from site_pages import examples
from site_pages.docstrings import markdown, of_text

DOCS = Path(__file__).parents[1]
FIRST = ("hnn_gym", "hnn_gym.envs", "hnn_gym.agents", "hnn_gym.data", "hnn_gym.training", "hnn_gym.evaluation")
"""The packages that readers look for first; the others follow by name."""
HIDDEN = ("hnn_gym.envs.render", "hnn_gym.envs.tasks", "hnn_gym.evaluation.plots", "hnn_gym.models.pixel")
"""Packages whose names are made for other packages of this project."""


def packages() -> list[str]:
    """The packages with public names. A name is described in the first that exports it; the others refer to it."""
    found = [module.name for module in pkgutil.walk_packages(hnn_gym.__path__, "hnn_gym.") if module.ispkg]
    public = [name for name in found if getattr(importlib.import_module(name), "__all__", None) and name not in HIDDEN]
    return [*FIRST, *(name for name in public if name not in FIRST)]


def write(folder: Path) -> None:
    """Write ``reference/``: an index, and one page for each package."""
    out = folder / "reference"
    out.mkdir(parents=True)
    described: dict[int, str] = {}
    listed = "\n".join(name.replace(".", "-") for name in packages())
    text = "Every public name, from its docstring. The "
    text += "[architecture](../../architecture.md) says how the packages build on each other."
    index = f"# Reference\n\n{text}\n\n```{{toctree}}\n:maxdepth: 1\n\n{listed}\n```\n"
    (out / "index.md").write_text(index, encoding="utf-8")
    for name in packages():
        (out / f"{name.replace('.', '-')}.md").write_text(_package(name, described), encoding="utf-8")


def _package(name: str, described: dict[int, str]) -> str:
    package = importlib.import_module(name)
    parts = [f"# {name}", markdown(package)]
    for export in sorted(package.__all__, key=str.lower):
        thing, full = getattr(package, export), f"{name}.{export}"
        known = described.get(id(thing))
        if known is not None:
            parts.append(f"## {export}\n\nSee {{py:obj}}`{known}`.")
            continue
        if not inspect.ismodule(thing):
            described[id(thing)] = full
        parts.append(f"## {export}\n\n{_entry(thing, full)}{examples.links(export, name)}")
    return "\n\n".join(parts) + "\n"


def _entry(thing: Any, full: str) -> str:
    if inspect.isclass(thing) and thing is not Any:
        return _directive("class", f"{full}{_signature(thing)}", _class_text(thing, full))
    if inspect.ismodule(thing):
        functions = [value for key, value in vars(thing).items() if _is_own(value, thing) and not key.startswith("_")]
        text = "\n\n".join(
            _directive("function", f"{full}.{each.__name__}{_signature(each)}", markdown(each)) for each in functions
        )
        return f"{markdown(thing)}\n\n{text}"
    if inspect.isroutine(thing):
        return _directive("function", f"{full}{_signature(thing)}", markdown(thing))
    return _directive("data", full, _data_text(full))


def _is_own(value: Any, module: Any) -> bool:
    return inspect.isfunction(value) and value.__module__ == module.__name__


def _class_text(cls: type, full: str) -> str:
    parts = [markdown(cls) if cls.__doc__ else ""]
    if issubclass(cls, Exception):
        return parts[0]
    documented = _documented_fields(cls)
    if documented:
        parts.append("**Fields**\n\n" + "\n".join(f"- `{name}`: {text}" for name, text in documented.items()))
    init = vars(cls).get("__init__")
    if init is not None and not is_dataclass(cls):
        parts.append(of_text(inspect.getdoc(init) or ""))
    for name, member in _members(cls).items():
        kind = "property" if isinstance(member, property) or not callable(_plain(member)) else "method"
        called = f"{full}.{name}" + ("" if kind == "property" else _signature(_plain(member)))
        parts.append(_directive(kind, called, markdown(member)))
    return "\n\n".join(part for part in parts if part)


def _members(cls: type) -> dict[str, Any]:
    """Public methods and properties that this package defines, also those of base classes."""
    found: dict[str, Any] = {}
    for base in reversed(cls.__mro__):
        if base.__module__.startswith("hnn_gym"):
            found |= {
                name: member
                for name, member in vars(base).items()
                if not name.startswith("_") and getattr(member, "__doc__", None) and _is_member(member)
            }
    return dict(sorted(found.items()))


def _is_member(member: Any) -> bool:
    kinds = (property, classmethod, staticmethod)
    return isinstance(member, kinds) or inspect.isfunction(member) or type(member).__name__ == "cached_property"


def _plain(member: Any) -> Any:
    return member.__func__ if isinstance(member, classmethod | staticmethod) else member


def _documented_fields(cls: type) -> dict[str, str]:
    """The fields of settings that are documented by a string after them, by name."""
    if not is_dataclass(cls):
        return {}
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(cls)))
    except (OSError, SyntaxError):
        return {}
    (body,) = [node.body for node in tree.body if isinstance(node, ast.ClassDef)]
    return {name: " ".join(of_text(text).split()) for name, text in _strings_below(body).items()}


def _signature(thing: Any) -> str:
    try:
        signature = inspect.signature(thing)
    except (ValueError, TypeError):
        return "()"
    parameters = [p.replace(annotation=p.empty) for p in signature.parameters.values() if p.name not in ("self", "cls")]
    text = str(signature.replace(parameters=parameters, return_annotation=signature.empty))
    return " ".join(text.split()) if " at 0x" not in text and len(text) < 400 else "(...)"


def _data_text(full: str) -> str:
    """The string below the assignment of a constant, found in the module that makes it."""
    package, _, name = full.rpartition(".")
    modules = [module for module in sorted(sys.modules) if module.startswith(package)]
    found = [_texts(module)[name] for module in modules if name in _texts(module)]
    return of_text(inspect.cleandoc(found[0])) if found else ""


@cache
def _texts(module: str) -> dict[str, str]:
    """The strings below the assignments of a module, by name."""
    return _strings_below(ast.parse(inspect.getsource(sys.modules[module])).body)


def _strings_below(body: list[ast.stmt]) -> dict[str, str]:
    """The strings that follow assignments, by the name that is assigned."""
    found = {}
    for before, after in pairwise(body):
        if isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant):
            targets = before.targets if isinstance(before, ast.Assign) else [getattr(before, "target", None)]
            found |= {target.id: str(after.value.value) for target in targets if isinstance(target, ast.Name)}
    return found


def _directive(kind: str, called: str, text: str) -> str:
    """A directive of Sphinx's Python domain, whose fence is longer than any inside it."""
    longest = max((len(run) for run in _runs_of_colons(text)), default=2)
    fence = ":" * (longest + 1)
    return f"{fence}{{py:{kind}}} {called}\n{text}\n{fence}"


def _runs_of_colons(text: str) -> list[str]:
    return re.findall(r"^:{3,}", text, re.MULTILINE)
