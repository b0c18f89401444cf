"""Policies, which choose the actions of a recording.

========  ==========================================================================================================
random    uniform in the action space; with ``hold`` N, every action is kept for a random number of 1 to N steps
bang-bang every action entry at its lowest or highest value, drawn at random and kept for 1 to ``hold`` steps
sine      for Box actions: a = centre + A sin(2 pi t / P + phase); A, P and the phase of every entry are drawn once an
          episode: A up to half the range, P log-uniform between the two ``periods``
zero      the action 0 of a Box
========  ==========================================================================================================

Independent random actions average out within a few steps, so that a slow system hardly moves. Those that are kept move
it farther: a policy that excites gives data from which more can be learned.
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from gymnasium.spaces import Box, Discrete, MultiDiscrete

from hnn_gym.command.named_function import function_identity, named_function
from hnn_gym.errors import InputError, check_fields, whole_number
from hnn_gym.systems.task import ActionSpace

RecordingPolicy = Callable[[np.random.Generator], Callable[[Any], Any]]
"""Begins an episode with its random generator, and returns what maps its observations, in order, to actions."""

ActionFunction = Callable[[Any, np.random.Generator], Any]
"""A policy without memory: takes an observation and the episode's random generator, and returns an action."""

_DEFAULT_HOLD = {"random": 1, "bang-bang": 20}
_DEFAULT_PERIODS = (10.0, 100.0)
_ARGUMENTS = "observation, rng"


@dataclass(frozen=True)
class PolicyChoice:
    """A policy by its name and settings; it can be sent to another process.

    Example:
        >>> PolicyChoice("bang-bang", hold=40).policy(Discrete(2))(np.random.default_rng(0))(None)
        array(1)

    Attributes:
        name: "random", "bang-bang", "sine", "zero", or ``module:function`` for a function of one's own that takes an
            observation and the episode's random generator and returns an action.
        hold: the largest number of steps for which random and bang-bang keep an action; None: 1 and 20.
        periods: shortest and longest period of sine in steps; None: 10 and 100.

    Raises:
        InputError: there is no such policy, or a setting is out of range or not one of this policy.
    """

    name: str = "random"
    hold: int | None = None
    periods: tuple[float, float] | None = None

    def __post_init__(self) -> None:
        check_fields(self)
        if self.name not in POLICIES and ":" not in self.name:
            raise InputError(
                f"There is no policy {self.name!r}: choose one of {', '.join(POLICIES)}, or a function of yours as "
                f"module:function, which takes ({_ARGUMENTS}) and returns an action."
            )
        if self.hold is not None and self.name not in _DEFAULT_HOLD:
            raise InputError(f"The policies random and bang-bang hold actions, and {self.name} does not: omit hold.")
        if self.hold is not None:
            whole_number(self.hold, "hold, the number of steps of an action,", at_least=1)
        if self.periods is not None and self.name != "sine":
            raise InputError(f"The policy sine has periods, and {self.name} has none: omit periods.")
        if self.periods is not None and not 0 < self.periods[0] <= self.periods[1] < math.inf:
            raise InputError(
                f"The periods are the shortest and the longest in steps, both positive, and are {self.periods}."
            )

    def policy(self, space: ActionSpace) -> RecordingPolicy:
        """Return the policy for the action space ``space``.

        Raises:
            InputError: it does not suit the space, or a function of one's own cannot be imported or called.
        """
        return POLICIES[self.name](space, self) if self.name in POLICIES else memoryless(_own_function(self.name))

    def settings(self) -> dict[str, Any]:
        """Return what identifies the policy beside its name, as JSON values.

        Raises:
            InputError: a function of one's own cannot be imported or called.
        """
        match self.name:
            case "random" | "bang-bang":
                return {} if self._hold == 1 else {"hold": self._hold}
            case "sine":
                return {"periods": list(self._periods)}
            case "zero":
                return {}
        _own_function(self.name)
        return {"sha256": function_identity(self.name)["sha256"]}

    @property
    def _hold(self) -> int:
        return _DEFAULT_HOLD[self.name] if self.hold is None else self.hold

    @property
    def _periods(self) -> tuple[float, float]:
        return _DEFAULT_PERIODS if self.periods is None else self.periods


def memoryless(function: ActionFunction) -> RecordingPolicy:
    """Return the policy that calls ``function`` with every observation and the episode's random generator.

    Raises:
        InputError: it is not a function.
    """
    if not callable(function):
        raise InputError(f"A policy is a name, a PolicyChoice or a function of ({_ARGUMENTS}), not {function!r}.")
    return lambda rng: lambda observation: function(observation, rng)


def _random(space: ActionSpace, choice: PolicyChoice) -> RecordingPolicy:
    low, high = _bounds(space)
    integer = np.issubdtype(low.dtype, np.integer)

    def draw(rng: np.random.Generator) -> np.ndarray:
        return np.asarray(rng.integers(low, high, endpoint=True) if integer else rng.uniform(low, high), space.dtype)

    return lambda rng: _Held(draw, choice._hold, rng)


def _bang_bang(space: ActionSpace, choice: PolicyChoice) -> RecordingPolicy:
    low, high = _bounds(space)

    def draw(rng: np.random.Generator) -> np.ndarray:
        return np.where(rng.random(low.shape) < 0.5, low, high).astype(space.dtype)

    return lambda rng: _Held(draw, choice._hold, rng)


def _sine(space: ActionSpace, choice: PolicyChoice) -> RecordingPolicy:
    if not isinstance(space, Box) or np.issubdtype(space.dtype, np.integer):
        raise InputError(f"The policy sine needs a Box of real numbers, and the actions are of {space}: use bang-bang.")
    low, high = (bound.astype(np.float64) for bound in _bounds(space))
    centre, half = (low + high) / 2, (high - low) / 2
    shortest, longest = np.log(choice._periods)

    def begin(rng: np.random.Generator) -> Callable[[Any], np.ndarray]:
        amplitude = half * rng.uniform(size=low.shape)
        rate = 2 * np.pi / np.exp(rng.uniform(shortest, longest, low.shape))
        phase = rng.uniform(0, 2 * np.pi, low.shape)
        steps = iter(range(2**63))
        return lambda observation: np.asarray(centre + amplitude * np.sin(rate * next(steps) + phase), space.dtype)

    return begin


def _zero(space: ActionSpace, choice: PolicyChoice) -> RecordingPolicy:
    if not isinstance(space, Box):
        raise InputError(f"Nothing says which action of {space} does nothing: choose another policy than zero.")
    action = np.zeros(space.shape, space.dtype)
    if not space.contains(action):
        raise InputError(f"Zero is not an action of {space}: choose another policy.")
    return lambda rng: lambda observation: action.copy()


POLICIES: dict[str, Callable[[ActionSpace, PolicyChoice], RecordingPolicy]] = {
    "random": _random,
    "bang-bang": _bang_bang,
    "sine": _sine,
    "zero": _zero,
}
"""The policies that have a name."""


class _Held:
    """Draws an action and returns it for a random number of 1 to ``hold`` steps, again and again."""

    def __init__(self, draw: Callable[[np.random.Generator], np.ndarray], hold: int, rng: np.random.Generator) -> None:
        self._draw, self._hold, self._rng = draw, hold, rng
        self._action, self._left = np.empty(0), 0

    def __call__(self, observation: Any) -> np.ndarray:
        if self._left == 0:
            self._action = self._draw(self._rng)
            self._left = 1 if self._hold == 1 else int(self._rng.integers(1, self._hold, endpoint=True))
        self._left -= 1
        return self._action.copy()


def _bounds(space: ActionSpace) -> tuple[np.ndarray, np.ndarray]:
    """Return the lowest and the highest action of ``space``, in its shape; int64 where the actions are integers."""
    match space:
        case Box():
            with np.errstate(over="ignore"):
                bounded = np.isfinite(space.high.astype(np.float64) - space.low.astype(np.float64)).all()
            if not bounded:
                raise InputError(
                    f"Drawing actions needs a bounded action space, and this one is {space}: bound it with "
                    "an action wrapper, or choose another policy."
                )
            low, high = space.low, space.high
        case Discrete():
            low, high = np.asarray(space.start), np.asarray(space.start + space.n - 1)
        case MultiDiscrete():
            low, high = space.start, space.start + space.nvec - 1
        case _:
            low, high = np.zeros(space.shape, np.int64), np.ones(space.shape, np.int64)
    integer = np.issubdtype(low.dtype, np.integer)
    return (low.astype(np.int64), high.astype(np.int64)) if integer else (low, high)


def _own_function(name: str) -> ActionFunction:
    function: ActionFunction = named_function(name, option="--policy", arguments=_ARGUMENTS)
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):  # some functions written in C have none
        return function
    try:
        signature.bind(None, None)
    except TypeError as error:
        raise InputError(f"--policy {name} must be a function of ({_ARGUMENTS}), and takes {signature}.") from error
    return function
