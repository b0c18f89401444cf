"""Which positions that are observed as themselves are angles: by the equations of motion that they enter.

Three questions in turn:

1. Do sin q and cos q explain the accelerations better than powers of q? Then q is an angle, unless sin(k q) with
   another k explains them better still.
2. Do the accelerations of other degrees of freedom depend on v^2? In straight coordinates they do not: v^2 comes from
   a mass matrix that depends on q, so q is an angle.
3. Otherwise the recording does not show it, and it makes no difference within the recorded range: a position.
"""

from __future__ import annotations

from itertools import product
from typing import NamedTuple

import numpy as np

from hnn_gym.coordinates.inference.equations import Equations, Form, simplest_of

_BETTER = 1.5
"""A form is taken for better where its errors are this many times smaller, as a geometric mean over the equations."""
_MUCH_BETTER = 2.0
_COUPLED = 3.0
"""The same for equations without v^2 and with it."""
_OTHER_FREQUENCIES = (0.5, 2.0, 3.0)
_ALL_COMBINATIONS = 3


class Verdict(NamedTuple):
    """What a position is.

    Attributes:
        angle: whether it is an angle.
        reason: why, as the end of a sentence.
    """

    angle: bool
    reason: str


def verdicts(equations: Equations, angles: tuple[bool, ...], asked: list[int]) -> dict[int, Verdict]:
    """Decide about the degrees of freedom ``asked``; ``angles`` says which of the others are known to be angles."""
    if not asked:
        return {}
    if not equations.forms:
        return {
            i: Verdict(False, "too few transitions for so many entries to tell whether it is an angle") for i in asked
        }
    form, chosen, errors = _simplest(equations, angles, asked)
    found = {}
    for i in asked:
        other = tuple(flag != (k == i) for k, flag in enumerate(chosen))
        gain = _gain(equations.errors(other, form), errors)
        if gain < _BETTER:
            found[i] = _by_coupling(equations, chosen, form, i)
        elif not chosen[i]:
            found[i] = Verdict(
                False, f"powers of it explain the accelerations {gain:.3g} times better than sine and cosine"
            )
        else:
            found[i] = _unless_faster(equations, chosen, form, i, errors, gain)
    return found


def _simplest(
    equations: Equations, angles: tuple[bool, ...], asked: list[int]
) -> tuple[Form, tuple[bool, ...], np.ndarray]:
    """The form to judge by, with its best flags and their errors."""
    tried = [(form, *_best(equations, angles, asked, form)) for form in equations.forms]
    return tried[simplest_of([errors for _, _, errors in tried])]


def _best(
    equations: Equations, angles: tuple[bool, ...], asked: list[int], form: Form
) -> tuple[tuple[bool, ...], np.ndarray]:
    """The flags with the smallest errors; of equal ones the fewest angles."""

    def flags(chosen: tuple[bool, ...]) -> tuple[bool, ...]:
        return tuple(chosen[asked.index(i)] if i in asked else flag for i, flag in enumerate(angles))

    if len(asked) <= _ALL_COMBINATIONS:
        options = list(product((False, True), repeat=len(asked)))
    else:
        options = [tuple(i == k for i in range(len(asked))) for k in range(-1, len(asked))]
        options.append((True,) * len(asked))
    best, errors = flags(options[0]), equations.errors(flags(options[0]), form)
    for option in options[1:]:
        tried = equations.errors(flags(option), form)
        if _gain(errors, tried) > _BETTER:
            best, errors = flags(option), tried
    return best, errors


def _gain(worse: np.ndarray, better: np.ndarray) -> float:
    return float(np.exp(np.mean(np.log(worse / better))))


def _unless_faster(
    equations: Equations, chosen: tuple[bool, ...], form: Form, i: int, errors: np.ndarray, gain: float
) -> Verdict:
    for k in _OTHER_FREQUENCIES:
        faster = _gain(errors, equations.errors(chosen, form, frequencies={i: k}))
        if faster > _MUCH_BETTER:
            return Verdict(False, f"forces go with sin({k:g} q), {faster:.3g} times better than with sin(q)")
    return Verdict(True, f"sine and cosine of it explain the accelerations {gain:.3g} times better than powers")


def _by_coupling(equations: Equations, chosen: tuple[bool, ...], form: Form, i: int) -> Verdict:
    """By the second question."""
    undecided = Verdict(False, "nothing that was recorded depends on whether it is an angle")
    if not form.squares or equations.n == 1:
        return undecided
    positions = tuple(flag and k != i for k, flag in enumerate(chosen))
    ratio = equations.errors(positions, form, without_square=i) / equations.errors(positions, form)
    largest = float(np.delete(ratio, i).max())
    if largest < _COUPLED:
        return undecided
    return Verdict(
        True, f"its velocity squared accelerates others, which are explained {largest:.3g} times better with it"
    )
