"""An observation entry that is a known function of the state: o = sum_k c_k f_k(q, v).

Every f_k is a product that is written as text, so that a file can hold it and a person can read it:

    "1", "q0", "v2", "cos(q0)", "sin(q0 + q1)", "cos(2*q1 - q0)", "v1*cos(q0 + q1)", "v0*v0"

The tip of an arm of two links, for example, is 0.1 cos(q0) + 0.11 cos(q0 + q1).
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

from hnn_gym.errors import InputError, check_fields
from hnn_gym.physics.phase import Array, namespace

_FACTOR = re.compile(r"(?P<constant>1)|(?P<letter>[qv])(?P<index>\d+)|(?P<function>cos|sin)\((?P<sum>[^()]*)\)")
_SUMMAND = re.compile(r"(?P<sign>[+-]?)(?:(?P<times>\d+)\*)?q(?P<index>\d+)")


class Factor(NamedTuple):
    """One factor of a term.

    Attributes:
        kind: "q" or "v", one entry of the state, or "cos" or "sin" of a sum of positions.
        sum: the positions with the whole number that each is multiplied by, as (index, times); of "q" and "v" the
            entry alone.
    """

    kind: str
    sum: tuple[tuple[int, int], ...]


def factors(term: str) -> tuple[Factor, ...]:
    """Read a term; "1" has no factors.

    Raises:
        InputError: the text is not a product of known factors.
    """
    found = []
    for text in _product(term.replace(" ", "")):
        match = _FACTOR.fullmatch(text)
        if match is None:
            raise InputError(_not_a_term(term))
        if match["constant"]:
            continue
        if match["letter"]:
            found.append(Factor(match["letter"], ((int(match["index"]), 1),)))
            continue
        pieces = list(_SUMMAND.finditer(match["sum"]))
        whole = "".join(piece[0] for piece in pieces) == match["sum"]
        if not pieces or not whole or not all(piece["sign"] for piece in pieces[1:]):
            raise InputError(_not_a_term(term))
        angle = tuple((int(p["index"]), int(p["sign"] + (p["times"] or "1"))) for p in pieces)
        found.append(Factor(match["function"], angle))
    return tuple(found)


def _product(term: str) -> list[str]:
    """The factors as text: split at every "*" outside of brackets."""
    return re.split(r"\*(?![^()]*\))", term)


def _not_a_term(term: str) -> str:
    return f'"{term}" is not a term of a readout: write products such as "1", "q0", "v1*cos(q0 + q1)" or "sin(2*q0)".'


@dataclass(frozen=True)
class Readout:
    """An observation entry as a linear combination of functions of the state.

    Attributes:
        entry: index of the observation entry.
        terms: pairs of a term and its coefficient.

    Raises:
        InputError: a term cannot be read, or a coefficient is not finite.
    """

    entry: int
    terms: tuple[tuple[str, float], ...]

    def __post_init__(self) -> None:
        """Read the terms."""
        check_fields(self)
        for term, coefficient in self.terms:
            if not isinstance(coefficient, int | float) or not math.isfinite(coefficient):
                raise InputError(f"The coefficient of {term!r} must be a finite number, not {coefficient!r}.")
        self.products  # noqa: B018 (reading them checks them)

    @cached_property
    def products(self) -> tuple[tuple[float, tuple[Factor, ...]], ...]:
        """Coefficients and factors."""
        return tuple((float(coefficient), factors(term)) for term, coefficient in self.terms)

    @property
    def size(self) -> int:
        """The smallest number of degrees of freedom that a state needs."""
        return 1 + max((index for _, product in self.products for f in product for index, _ in f.sum), default=-1)

    @property
    def velocities(self) -> tuple[int, ...]:
        """The degrees of freedom whose velocity it depends on."""
        return tuple({f.sum[0][0] for _, product in self.products for f in product if f.kind == "v"})

    def __call__(self, q: Array, v: Array) -> Array:
        """Values ``(..., 1)`` at states ``(..., n)``."""
        xp = namespace(q)
        total = None
        constant = sum(coefficient for coefficient, product in self.products if not product)
        for coefficient, product in self.products:
            if product:
                value = _value(xp, product[0], q, v)
                for factor in product[1:]:
                    value = value * _value(xp, factor, q, v)
                total = coefficient * value if total is None else total + coefficient * value
        if total is None:
            return xp.zeros_like(q[..., :1]) + constant
        return total + constant if constant else total

    def to_json(self) -> dict[str, Any]:
        """Return a JSON-ready dict that :meth:`from_json` reads."""
        return {"entry": self.entry, "terms": dict(self.terms)}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Readout:
        """Read what :meth:`to_json` wrote."""
        if set(data) != {"entry", "terms"} or not isinstance(data["terms"], Mapping):
            raise InputError(f'A readout has an "entry" and "terms", a term and its coefficient each, not {data!r}.')
        return cls(data["entry"], tuple(data["terms"].items()))


def _value(xp: Any, factor: Factor, q: Array, v: Array) -> Array:
    (index, times), *others = factor.sum
    if factor.kind in ("q", "v"):
        return (q if factor.kind == "q" else v)[..., index : index + 1]
    angle = _multiple(q, index, times)
    for index, times in others:
        angle = angle + _multiple(q, index, times)
    return xp.cos(angle) if factor.kind == "cos" else xp.sin(angle)


def _multiple(q: Array, index: int, times: int) -> Array:
    entry = q[..., index : index + 1]
    return entry if times == 1 else times * entry
