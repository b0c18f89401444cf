"""What a Python function reads besides its arguments, so that a compiled copy of it is never out of date.

A traced reward runs once, on arrays that write down what is done with them. Whatever else it reads (a number of its
module, of its closure or of its object) becomes a constant of the compiled step. So these readings are found in its
byte code, and the step compares them with their values before each use. A function whose readings cannot all be found,
such as one that draws random numbers or writes to its object, is opaque: it is called as it is.

Found are the readings of the function and of every function that it can call. An attribute may belong to any object
that has one of its name, so that no way to reach an object is missed: this finds too much at times, but not too little.
"""

from __future__ import annotations

import dis
import functools
import inspect
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from types import BuiltinFunctionType, CellType, CodeType, FunctionType, MethodType, ModuleType
from typing import Any

import numpy as np

from hnn_gym.systems.task import Task

_MOST_FUNCTIONS = 200
"""A function that can call more than this is not followed to the end."""
_MOST_ENTRIES = 1000
"""Arrays with more entries are not compared in every step."""
_PURE_MODULES = frozenset({"numpy", "math", "hnn_gym"})
_PURE = (
    "abs all any bool complex dict divmod enumerate float frozenset int isinstance len list map max min pow range "
    "reversed round set slice sorted sum super tuple zip Ellipsis True False None ValueError TypeError"
)
_PURE_BUILTINS = frozenset(_PURE.split())
_HARMLESS = (
    "__abstractmethods__ __annotations__ __annotate__ __annotate_func__ __annotations_cache__ __call__ "
    "__class_getitem__ __dataclass_fields__ __dataclass_params__ __delattr__ __dict__ __doc__ __eq__ __firstlineno__ "
    "__getstate__ __hash__ __init__ __init_subclass__ __match_args__ __module__ __orig_bases__ __parameters__ "
    "__post_init__ __qualname__ __replace__ __repr__ __setattr__ __setstate__ __slots__ __static_attributes__ __str__ "
    "__type_params__ __weakref__"
)
_HARMLESS_NAMES = frozenset(_HARMLESS.split())
"""Special names of a class that no reading of an attribute and no arithmetic runs."""


class Opaque(Exception):  # noqa: N818 (not an error: the function is called as it is)
    """A function reads or changes something that cannot be watched; the message says what."""


@dataclass(frozen=True)
class _Reading:
    """One thing that was read.

    Attributes:
        what: what it is called in messages.
        source: expression of ``box`` that reads it again.
        box: the namespace, cell or object that holds it.
        value: what was read, or a copy of it.
        test: expression of what is ``now`` there and the ``value``.
    """

    what: str
    source: str
    box: Any
    value: Any
    test: str


class Readings:
    """All readings of some functions, with the values that they had.

    Attributes:
        names: what was read, such as "PendulumSwingUp.weight".
        unchanged: returns whether everything that was read still has the same value.
    """

    def __init__(self, found: list[_Reading]) -> None:
        """Compile the comparison with the present values."""
        self.names = tuple(reading.what for reading in found)
        boxes: dict[str, Any] = {}
        tests = []
        for i, reading in enumerate(found):
            boxes |= {f"box{i}": reading.box, f"value{i}": reading.value}
            source = reading.source.format(box=f"box{i}")
            tests.append(reading.test.format(now=source, value=f"value{i}"))
        self._each = [_compiled(test, boxes) for test in tests]
        self.unchanged = _compiled(" and ".join(f"({test})" for test in tests) or "True", boxes)

    def changed(self) -> list[str]:
        """The names of what has another value now."""
        return [name for name, unchanged in zip(self.names, self._each, strict=True) if not unchanged()]


def _compiled(test: str, boxes: dict[str, Any]) -> Callable[[], bool]:
    """A function that evaluates a test; False also where something is no longer there or cannot be compared."""
    names = dict(boxes)
    code = f"def holds():\n try:\n  return bool({test})\n except Exception:\n  return False"
    exec(compile(code, "<what was read>", "exec"), names)
    holds: Callable[[], bool] = names["holds"]
    return holds


def readings_of(*functions: Callable[..., Any]) -> Readings:
    """Find what functions read besides their arguments.

    Raises:
        Opaque: not all of it can be found, or a function changes something.
    """
    search = _Search()
    for function in functions:
        search.call(function)
    search.finish()
    return Readings(list({(reading.what, id(reading.box)): reading for reading in search.found}.values()))


class _Search:
    """The functions that can be called, the objects that can be reached, and the attributes that are named."""

    def __init__(self) -> None:
        self.found: list[_Reading] = []
        self._functions: set[int] = set()
        self._objects: dict[int, Any] = {}
        self._attributes: dict[str, None] = {}
        self._looked: set[tuple[int, str]] = set()
        self._super = False

    def finish(self) -> None:
        """Look for every named attribute in every object that can be reached, until there is no new one."""
        while True:
            pairs = [(i, name) for i in list(self._objects) for name in list(self._attributes)]
            new = [pair for pair in pairs if pair not in self._looked]
            if not new:
                return
            for i, name in new:
                self._looked.add((i, name))
                self._look(self._objects[i], name)

    def call(self, function: Any) -> None:
        """Follow a function, method or callable object."""
        if isinstance(function, FunctionType):
            self._follow(function)
        elif isinstance(function, MethodType):
            self._reach(function.__self__)
            self.call(function.__func__)
        elif isinstance(function, functools.partial):
            self.call(function.func)
            for i, value in enumerate((*function.args, *function.keywords.values())):
                self._read(f"argument {i} of a partial function", "{box}[0]", [value], value)
        elif not _of_a_library(function):
            self._reach(function)
            method = inspect.getattr_static(type(function), "__call__", None)
            if not isinstance(method, FunctionType):
                raise Opaque(f"it calls {_name(function)}, which is not written in Python")
            self._follow(method)

    def _follow(self, function: FunctionType) -> None:
        if id(function) in self._functions:
            return
        self._functions.add(id(function))
        if len(self._functions) > _MOST_FUNCTIONS:
            raise Opaque(f"it can call more than {_MOST_FUNCTIONS} functions")
        trusted = _root(function) == "hnn_gym"
        cells = dict(zip(function.__code__.co_freevars, function.__closure__ or (), strict=True))
        for instruction in _instructions(function.__code__):
            self._instruction(function, cells, instruction.opname, instruction.argval, trusted=trusted)
        defaults = (*(function.__defaults__ or ()), *(function.__kwdefaults__ or {}).values())
        for value in () if trusted else defaults:
            self._read(f"a default of {_name(function)}", "{box}[0]", [value], value)

    def _instruction(
        self, function: FunctionType, cells: dict[str, CellType], op: str, name: Any, *, trusted: bool
    ) -> None:
        if op.startswith(("LOAD_ATTR", "LOAD_METHOD", "LOAD_SUPER")):
            self._attributes[name] = None
            self._super = self._super or op.startswith("LOAD_SUPER")
        elif op in ("LOAD_GLOBAL", "LOAD_NAME") and name == "super":
            self._super = True
        elif trusted:
            return
        elif op in ("LOAD_GLOBAL", "LOAD_NAME"):
            if name in function.__globals__:
                where = function.__globals__
                self._read(name, f"{{box}}[{name!r}]", where, where[name])
            elif name not in _PURE_BUILTINS:
                raise Opaque(f"it calls {name}")
        elif op.startswith("IMPORT_NAME"):
            if not _pure_module(str(name)):
                raise Opaque(f"it imports {name}")
        elif op.startswith(("STORE_GLOBAL", "DELETE_GLOBAL", "STORE_ATTR", "DELETE_ATTR", "STORE_NAME")):
            raise Opaque(f"it sets {name}")
        elif "DEREF" in op or op == "LOAD_CLOSURE":
            if name not in cells or name == "__class__":
                return  # a variable of its own, or what super() asks for
            if op.startswith(("STORE", "DELETE")):
                raise Opaque(f"it sets {name}")
            try:
                value = cells[name].cell_contents
            except ValueError:
                raise Opaque(f"it reads {name}, which has no value yet") from None
            self._read(name, "{box}.cell_contents", cells[name], value)

    def _look(self, owner: Any, name: str) -> None:
        """Find the attribute ``name`` of an object, where it has one."""
        if self._super:
            for one in type(owner).__mro__:
                self._descriptor(vars(one).get(name))
        static = inspect.getattr_static(owner, name, None)
        own = name in getattr(owner, "__dict__", ())
        if static is not None and (own or not self._descriptor(static)):
            self._read(f"{_name(owner)}.{name}", f"{{box}}.{name}", owner, getattr(owner, name))

    def _descriptor(self, static: Any) -> bool:
        """Follow the function behind an attribute of a class; return whether it was one."""
        if isinstance(static, property):
            static = static.fget
        elif isinstance(static, functools.cached_property):
            static = static.func
        elif isinstance(static, staticmethod | classmethod):
            static = static.__func__
        if isinstance(static, FunctionType):
            self._follow(static)
            return True
        return False

    def _read(self, what: str, source: str, box: Any, value: Any) -> None:
        """Note a reading; follow the value if it is a function or an object."""
        if _frozen(box) and (_constant(value) or isinstance(value, np.ndarray)):
            return
        if isinstance(value, np.ndarray) and value.dtype != object and value.size <= _MOST_ENTRIES:
            test, copy = "({now} is {value}[0]) and {now}.tobytes() == {value}[1]", (value, value.tobytes())
            self.found.append(_Reading(what, source, box, copy, test))
            return
        if _constant(value):
            test = "{now} == {value}"
            if isinstance(value, float) and math.isnan(value):
                test = "{now} is {value}"
            self.found.append(_Reading(what, source, box, _copied(value), test))
            return
        if _of_a_library(value):
            return  # nobody gives such a name to something else
        if not _frozen(box):
            self.found.append(_Reading(what, source, box, value, "{now} is {value}"))
        if isinstance(value, FunctionType | MethodType | functools.partial):
            self._objects[id(value)] = value
            self.call(value)
        elif not _frozen(value) or isinstance(value, Task):
            try:
                self._reach(value)
            except Opaque as reason:
                raise Opaque(f"it reads {what}, {reason}") from None
            if isinstance(inspect.getattr_static(type(value), "__call__", None), FunctionType):
                self.call(value)

    def _reach(self, value: Any) -> None:
        """Note an object whose attributes may be read.

        Raises:
            Opaque: reading them, or calculating with the object, runs code that is not named.
        """
        if not hasattr(value, "__dict__") or isinstance(value, type):
            raise Opaque(f"{_article(value)} that may change unnoticed")
        classes = () if isinstance(value, ModuleType) else type(value).__mro__
        special = {name for one in classes if _root(one) not in ("hnn_gym", "abc", "builtins") for name in vars(one)}
        special = {name for name in special if name.startswith("__") and name.endswith("__")} - _HARMLESS_NAMES
        if special:
            raise Opaque(f"{_article(value)} with {min(special)}")
        self._objects[id(value)] = value


def _of_a_library(value: Any) -> bool:
    """Whether a value is a module, function or class of NumPy, of ``math``, of this package, or of Python itself."""
    if isinstance(value, ModuleType):
        return _pure_module(value.__name__)
    if isinstance(value, np.ufunc):
        return True
    if isinstance(value, type | BuiltinFunctionType) and _root(value) == "builtins":
        return value.__name__ in _PURE_BUILTINS
    library = isinstance(value, type) or (
        callable(value) and not hasattr(value, "__self__") and hasattr(value, "__name__")
    )
    return (library or _root(value) == "math") and _pure_module(str(getattr(value, "__module__", "")))


def _frozen(value: Any) -> bool:
    """Whether a value is frozen data of this package, such as coordinates or a Hamiltonian."""
    settings = vars(type(value)).get("__dataclass_params__")
    return _root(type(value)) == "hnn_gym" and settings is not None and settings.frozen


def _instructions(code: CodeType) -> Iterator[dis.Instruction]:
    """The instructions of a function and of the functions inside it.

    Raises:
        Opaque: it reaches for random numbers.
    """
    if "random" in code.co_names:
        raise Opaque("it draws random numbers")
    yield from dis.get_instructions(code)
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _instructions(constant)


def _constant(value: Any) -> bool:
    """Whether a value, or all that a container holds, is a number, a string, or nothing."""
    if type(value) in (tuple, list, set, frozenset):
        return all(map(_constant, value))
    if type(value) is dict:
        return all(map(_constant, value)) and all(map(_constant, value.values()))
    return value is None or type(value) in (bool, int, float, complex, str, bytes) or isinstance(value, np.generic)


def _copied(value: Any) -> Any:
    if type(value) is dict:
        return {name: _copied(entry) for name, entry in value.items()}
    return type(value)(map(_copied, value)) if type(value) in (tuple, list, set, frozenset) else value


def _pure_module(name: str) -> bool:
    return name.partition(".")[0] in _PURE_MODULES and not name.startswith("numpy.random")


def _root(value: Any) -> str:
    return str(getattr(value, "__module__", "")).partition(".")[0]


def _name(value: Any) -> str:
    return str(getattr(value, "__name__", None) or type(value).__name__)


def _article(value: Any) -> str:
    kind = f"class {_name(value)}" if isinstance(value, type) else type(value).__name__
    return f"{'an' if kind[:1].lower() in 'aeiou' else 'a'} {kind}"
