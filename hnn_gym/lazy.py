"""Exports of a package that load when they are first used (PEP 562), so that an import costs only what it needs.

A package writes its exports as imports for type checkers, which do not run, and lets :func:`lazy_exports` run each of
them when its name is first asked for::

    if TYPE_CHECKING:
        from hnn_gym.agents.sampling import Cem, Mppi

    __all__ = ["Cem", "Mppi"]
    __getattr__, __dir__ = lazy_exports(__name__)

Modules and subpackages load in the same way: ``hnn_gym.agents.sampling`` needs no import of its own. An export must not
have the name of a module beside it, since Python binds that name to the module once it is loaded.

:func:`when_imported` is for what a package has to do in another package: it waits until that package is imported.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Callable
from importlib import import_module
from importlib.abc import InspectLoader, Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from importlib.util import find_spec
from types import ModuleType
from typing import Any


def lazy_exports(package: str) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """Return the ``__getattr__`` and the ``__dir__`` of a package."""
    homes = _imports_for_type_checkers(package)

    def load(name: str) -> Any:
        if name in homes:
            value = getattr(import_module(homes[name]), name)
        elif not name.startswith("_") and find_spec(f"{package}.{name}") is not None:
            value = import_module(f"{package}.{name}")
        else:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        setattr(sys.modules[package], name, value)  # Python finds it there the next time
        return value

    def names() -> list[str]:
        return sorted({*vars(sys.modules[package]), *homes})

    return load, names


def _imports_for_type_checkers(package: str) -> dict[str, str]:
    """The module of every name that a package imports below ``if TYPE_CHECKING:``."""
    spec = sys.modules[package].__spec__
    assert spec is not None
    assert isinstance(spec.loader, InspectLoader)
    homes: dict[str, str] = {}
    for block in ast.parse(spec.loader.get_source(package) or "").body:
        if isinstance(block, ast.If) and ast.unparse(block.test) == "TYPE_CHECKING":
            for line in block.body:
                if isinstance(line, ast.ImportFrom):
                    homes |= {alias.asname or alias.name: str(line.module) for alias in line.names}
    return homes


def when_imported(module: str, action: Callable[[], object]) -> None:
    """Call ``action`` once, as soon as ``module`` has been imported: now, if it has been already.

    Python asks the finders in ``sys.meta_path`` for every module that is not loaded. One of ours waits there for
    ``module``, lets the others find it, and calls ``action`` after its code has run.

    Args:
        module: name of a top-level module, which need not be installed.
        action: called without arguments. What it raises is raised by the import.
    """
    if sys.modules.get(module) is not None:
        action()
    else:
        sys.meta_path.insert(0, _WaitingFinder(module, action))


class _WaitingFinder(MetaPathFinder):
    """Finds nothing itself, and has its action called when the module that it waits for has been executed."""

    def __init__(self, module: str, action: Callable[[], object]) -> None:
        self._module, self._action, self._asks_others = module, action, False

    def find_spec(self, fullname: str, path: object = None, target: ModuleType | None = None) -> ModuleSpec | None:
        """Return what the other finders find, for the module that this one waits for."""
        if fullname != self._module or self._asks_others:
            return None
        self._asks_others = True
        try:
            spec = find_spec(fullname)
        finally:
            self._asks_others = False
        if spec is not None and spec.loader is not None:
            self._act_after(spec.loader)
        return spec

    def _act_after(self, loader: Loader) -> None:
        execute = loader.exec_module

        def execute_and_act(module: ModuleType) -> None:
            execute(module)
            if self in sys.meta_path:
                sys.meta_path.remove(self)
                self._action()

        loader.exec_module = execute_and_act  # type: ignore[method-assign]
