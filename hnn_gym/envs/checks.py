"""Checks of the callers' arguments: each error names what was given and what is expected."""

from __future__ import annotations

import math
import reprlib
from numbers import Integral
from typing import Any

import gymnasium
import numpy as np
from gymnasium.spaces import Discrete, MultiBinary, MultiDiscrete

from hnn_gym.envs.core import Simulator
from hnn_gym.errors import InputError
from hnn_gym.physics.phase import Array
from hnn_gym.systems import Task

_AS = "write it as f(observation, force, next_observation)"


class NoStateError(InputError, gymnasium.error.ResetNeeded, AttributeError):
    """An environment has no state before its first reset; as an AttributeError, so that ``hasattr`` says so."""


def numbers(value: Any, name: str) -> np.ndarray:
    """Return ``value`` as a float64 array of any shape.

    Raises:
        InputError: the value is not an array of real numbers; the message calls it ``name``.
    """
    try:
        array = np.asarray(value)
    except (TypeError, ValueError, RuntimeError):  # ragged lists; tensors that are elsewhere or carry a gradient
        array = np.asarray(None)
    if array.dtype.kind not in "fiub":
        kind = f" but of dtype {array.dtype}" if array.ndim else ""
        raise InputError(f"The {name} {reprlib.repr(value)} is not an array of numbers{kind}.")
    return array.astype(np.float64, copy=False)


WholeNumbers = Discrete | MultiDiscrete | MultiBinary


def whole_numbers(action: Any, space: WholeNumbers, copies: tuple[int, ...] = ()) -> np.ndarray:
    """Return actions of a space of whole numbers, counted from 0, as int64 ``(*copies, numbers)``.

    Args:
        action: ``copies`` times an action of the space.
        space: the space of one action.
        copies: shape of the batch; () for a single action.

    Raises:
        InputError: another shape, or a number that is not among those of the space.
    """
    shape = (*copies, *(space.shape or ()))
    try:
        array = np.asarray(action)
    except (TypeError, ValueError, RuntimeError):  # as in :func:`numbers`
        array = np.asarray(None)
    if array.dtype.kind not in "iub" or array.shape != shape:
        raise InputError(
            f"The action {reprlib.repr(action)} is not of {space}: it has to be of whole numbers, in the shape {shape}."
        )
    low: Any = 0 if isinstance(space, MultiBinary) else space.start
    count: Any = 2 if isinstance(space, MultiBinary) else space.n if isinstance(space, Discrete) else space.nvec
    counted = array.astype(np.int64) - low
    if ((counted < 0) | (counted >= count)).any():
        raise InputError(f"The action {reprlib.repr(action)} is not of {space}.")
    return counted.reshape(*copies, -1)


def all_finite(array: np.ndarray) -> bool:
    """Whether all entries ``(k,)`` are finite; for the few of one state, quicker in Python than in NumPy."""
    return all(map(math.isfinite, array.tolist()))


def one_number(reward: Any) -> float:
    """Return a reward as a float.

    Raises:
        InputError: the reward is not a single number, or is NaN.
    """
    try:
        number = math.nan if getattr(reward, "shape", ()) else float(reward)
    except (TypeError, ValueError):
        number = math.nan
    if math.isnan(number):
        raise InputError(
            f"The reward must be one number, and the function given for it returned {reprlib.repr(reward)}: {_AS}."
        )
    return number


_FOR_BATCHES = (
    f"{_AS} with operators alone, or with functions of xp = hnn_gym.physics.phase.namespace(observation), so that it "
    "takes one state or many, and NumPy and torch alike"
)


def check_rewards(reward: Any, rows: int) -> None:
    """Refuse rewards of a batch that do not have the shape ``(rows,)``.

    Raises:
        InputError: another shape, as from a function that indexes copies where it means entries.
    """
    if getattr(reward, "shape", None) != (rows,):
        raise InputError(
            f"The rewards of {rows} states must have the shape ({rows},), and the function given for them returned "
            f"{reprlib.repr(reward)}: count entries from the end, as in observation[..., 0]."
        )


def check_reward(task: Task, q: Array, v: Array, u: Array) -> None:
    """Refuse a reward that cannot be computed in the array library of states ``(rows, n)`` and forces ``(rows, m)``.

    Raises:
        InputError: its function fails, or returns anything but rewards ``(rows,)`` of that library.
    """
    kind = f"{type(q).__module__}.{type(q).__qualname__}"
    try:
        reward = task.at(0 * q[..., 0]).reward(q, v, u, q, v)
    except Exception as error:  # a function of the user's may raise anything
        what = f"The reward fails on {len(q)} states at once, each a row of a {kind}"
        raise InputError(f"{what} ({type(error).__name__}: {error}): {_FOR_BATCHES}.") from error
    check_rewards(reward, len(q))
    if not isinstance(reward, type(q)):
        found = f"{type(reward).__module__}.{type(reward).__qualname__}"
        raise InputError(f"The reward of {kind} is a {found}: {_FOR_BATCHES}.")


def check_reward_of_one(simulator: Simulator) -> None:
    """Refuse a reward that is not a number for one state, before any step is made.

    Raises:
        InputError: its function fails, or returns anything else.
    """
    q, v, u = start_states(simulator, 1)
    try:
        reward = simulator.reward(q[0], v[0], u[0], q[0], v[0])
    except Exception as error:  # a function of the user's may raise anything
        shapes = f"an observation, a force {u[0].shape} and the next observation"
        what = f"The reward fails on one state: on {shapes}"
        raise InputError(f"{what} ({type(error).__name__}: {error}): {_AS}, one number.") from error
    one_number(reward)


def check_termination_of_one(simulator: Simulator) -> None:
    """Refuse a termination that is not True or False for one state, before any step is made.

    Raises:
        InputError: its function fails, or returns anything else.
    """
    q, v, _ = start_states(simulator, 1)
    try:
        ended = np.asarray(simulator.task.terminated(q[0], v[0]))
    except Exception as error:  # whatever a function of the user's does
        raise InputError(
            f"The termination fails on the observation of one state ({type(error).__name__}: {error}): write it as "
            "f(observation), which returns True or False."
        ) from error
    if ended.shape != () or ended.dtype != bool:
        raise InputError(
            f"The termination must be True or False for one state, and the function given for it returned {ended!r}: "
            "count entries from the end, as in observation[..., 0] > 1."
        )


def start_states(simulator: Simulator, count: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Some states (q, v) in which episodes begin, each ``(count, n)``, and zero forces ``(count, m)``."""
    rng = np.random.default_rng(0)
    starts = [simulator.task.initial(rng, {}) for _ in range(count)]
    q, v = (np.array(part, np.float64) for part in zip(*starts, strict=True))
    return q, v, np.zeros((count, len(simulator.world.coordinates.controls)))


def episode_limit(steps: int | None, name: str) -> int | None:
    """Return a largest number of steps; None: no limit, which -1 asks for, as it does in ``gymnasium.make``.

    Raises:
        InputError: ``steps`` is neither None, -1 nor a whole number from 1; the message calls it ``name``.
    """
    if type(steps) is int and steps == -1:
        return None
    check_steps(steps, name)
    return steps


def check_steps(steps: int | None, name: str) -> None:
    """Refuse an invalid number of steps; None means no limit.

    Raises:
        InputError: ``steps`` is neither None nor a whole number from 1; the message calls it ``name``.
    """
    if steps is not None and (not isinstance(steps, Integral) or isinstance(steps, bool) or steps < 1):
        raise InputError(f"{name} must be a whole number of at least 1, got {steps!r}.")


def checked_options(options: Any, task: Task, *, also: tuple[str, ...] = ()) -> dict[str, Any]:
    """Return the options of a reset as a new dict, before anything has changed.

    Args:
        options: as given; None is {}.
        task: the task that draws the starts.
        also: options that the shell itself knows.

    Raises:
        InputError: ``options`` is not a dict, neither shell nor task knows an option, or the task refuses its value.
    """
    known = [*also, *task.options]
    if options is not None and not isinstance(options, dict):
        raise InputError(f"options must be a dict with entries of {known}, not {options!r}.")
    options = dict(options or {})
    unknown = [name for name in options if name not in known]
    if unknown:
        raise InputError(f"reset does not know the options {unknown}: it knows {known}.")
    task.check_options({name: value for name, value in options.items() if name not in also})
    return options
