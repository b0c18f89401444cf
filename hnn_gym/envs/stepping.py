"""One step of a simulator with all that a shell tells of it, traced where that can be: the same numbers, sooner.

What is traced is :func:`told_step`, the function that runs untraced where the physics decides by values (an implicit
scheme, an energy bump) or where the task may change (a reward of the user's own).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np

from hnn_gym.envs.core import Simulator
from hnn_gym.phase import Array
from hnn_gym.trace import Program, many, one, trace

_BLOCK_BYTES = 2**18
"""What the widest layer of a block may take: the block then stays in the second-level cache."""
_BLOCK_ROWS = 1024
_FEW = 64


class Outcome(NamedTuple):
    """What one step yields, with batch axes ``(...)``.

    Attributes:
        x: next phase points ``(..., 2n)``.
        force: the forces that acted ``(..., m)``.
        observation: of the next phase points ``(..., d)``.
        reward: ``(...)``.
        terminated: bool ``(...)``.
        info: arrays ``(...)`` by name.
    """

    x: Array
    force: Array
    observation: Array
    reward: Array
    terminated: Array
    info: dict[str, Array]


def told_step(simulator: Simulator, x: Array, action: Array) -> Outcome:
    """Step phase points ``(..., 2n)`` under actions ``(..., k)``: the definition of what the faster ways compute."""
    transition = simulator.transition(x, action)
    return Outcome(
        x=transition.x,
        force=transition.force,
        observation=simulator.world.coordinates.observation(transition.q, transition.v),
        reward=transition.reward,
        terminated=transition.terminated,
        info=simulator.info(transition.x, transition),
    )


def program_of(simulator: Simulator) -> Program | None:
    """Trace :func:`told_step`; None where that cannot be."""
    if not simulator.task.traceable:
        return None

    def step(x: Array, action: Array) -> Mapping[str, Any]:
        told = told_step(simulator, x, action)._asdict()
        return {**told.pop("info"), **told}

    size = simulator.channel.space(simulator.task).shape or (0,)
    try:
        return trace(step, x=2 * simulator.world.coordinates.n, action=size[0])
    except Exception:  # whatever a user's physics does with nodes: it runs untraced, and says itself what is wrong
        return None


def step_one(simulator: Simulator) -> Callable[[np.ndarray, np.ndarray], Outcome]:
    """Return the step of one state ``(2n,)`` under an action ``(k,)``. Not for two threads at once."""
    program = program_of(simulator)
    observed = simulator.task.observation_space.dtype

    def plain(x: np.ndarray, action: np.ndarray) -> Outcome:
        told = told_step(simulator, x, action)
        info = {name: np.asarray(value).item() for name, value in told.info.items()}
        return told._replace(observation=told.observation.astype(observed), info=info)

    if program is None:
        return plain
    run = one.compiled(program, {"observation": observed})
    names = tuple(program.outputs)[: -len(Outcome._fields) + 1]

    def traced(x: np.ndarray, action: np.ndarray) -> Outcome:
        try:
            *told, new, force, observation, reward, terminated = run(x.tolist(), action.tolist())
        except (ArithmeticError, ValueError):  # a float raises where an array becomes infinite
            return plain(x, action)
        return Outcome(new, force, observation, reward, terminated, dict(zip(names, told, strict=True)))

    return traced


class Steps:
    """The step of many states at once; holds what one step has computed for the next.

    Attributes:
        traced: whether it is traced.
    """

    def __init__(self, simulator: Simulator, rows: int, dtype: Any) -> None:
        """Prepare to step ``rows`` states in ``dtype``."""
        self._simulator, self._dtype = simulator, np.dtype(dtype)
        program = program_of(simulator)
        self.traced = program is not None
        self._observed = simulator.task.observation_space.dtype
        self._stale = np.ones(rows, bool)
        if program is None:
            self._slices = _slices(rows, _BLOCK_ROWS)
            return
        self._program = program.reusing("x")
        block = _block(self._program, self._dtype)
        self._slices = _slices(rows, block)
        sizes = {s.stop - s.start for s in self._slices}
        self._run = {size: many.compiled(self._program, size, dtype) for size in sizes}
        begin = self._program.start("x")
        self._begin = {size: many.compiled(begin, size, dtype) for size in sizes | {_FEW}}
        self._outputs = {
            name: ((rows, *entries.shape), self._type(name, entries)) for name, entries in program.outputs.items()
        }
        self._given = [self._room(s.stop - s.start) for s in self._slices]
        self._next = [self._room(s.stop - s.start) for s in self._slices]

    def changed(self, which: np.ndarray) -> None:
        """Note that the states marked by the bool ``which`` ``(rows,)`` are no longer those of the last step."""
        self._stale |= which

    def kept(self) -> None:
        """Note that the outcome of the last step was taken: its states are those of the next step."""
        if self.traced:
            self._given, self._next = self._next, self._given

    def __call__(self, x: np.ndarray, actions: np.ndarray) -> Outcome:
        """Step states ``(rows, 2n)`` under actions ``(rows, k)``; the arrays of the outcome are fresh."""
        if not self.traced:
            return self._plain(x, actions)
        if self._stale.any():
            self._refresh(x)
        told = {name: np.empty(shape, dtype) for name, (shape, dtype) in self._outputs.items()}
        for s, given, after in zip(self._slices, self._given, self._next, strict=True):
            outputs = told.values() if len(self._slices) == 1 else [array[s] for array in told.values()]
            self._run[s.stop - s.start](x[s], actions[s], *given, *after, *outputs)
        return Outcome(**{name: told.pop(name) for name in Outcome._fields[:-1]}, info=told)

    def _plain(self, x: np.ndarray, actions: np.ndarray) -> Outcome:
        parts = [told_step(self._simulator, x[s], actions[s].astype(self._dtype)) for s in self._slices]
        info = {name: np.concatenate([part.info[name] for part in parts]) for name in parts[0].info}
        arrays: list[Any] = [np.concatenate([part[i] for part in parts]) for i in range(len(Outcome._fields) - 1)]
        told = Outcome._make([*arrays, info])
        return told._replace(observation=told.observation.astype(self._observed))

    def _refresh(self, x: np.ndarray) -> None:
        """Compute anew what is given for the stale states."""
        for s, given in zip(self._slices, self._given, strict=True):
            which = np.flatnonzero(self._stale[s])
            if 4 * len(which) > s.stop - s.start:
                self._begin[s.stop - s.start](x[s], *given)
                continue
            for k in range(0, len(which), _FEW):
                some = which[k : k + _FEW]
                states = x[s][np.resize(some, _FEW)]
                room = self._room(_FEW)
                self._begin[_FEW](states, *room)
                for whole, part in zip(given, room, strict=True):
                    whole[..., some] = part[..., : len(some)]
        self._stale[:] = False

    def _room(self, rows: int) -> list[np.ndarray]:
        return many.room(self._program.given, rows, self._dtype)

    def _type(self, name: str, entries: np.ndarray) -> Any:
        if name == "observation":
            return self._observed
        boolean = all(isinstance(e, bool) or getattr(e, "boolean", False) for e in entries.flat) and entries.size
        return np.bool_ if boolean else self._dtype


def _block(program: Program, dtype: np.dtype[Any]) -> int:
    """States to compute at a time, a power of two."""
    widest = max((int(np.prod(node.shape)) for node in program.nodes if node.shape), default=1)
    fitting = max(1, _BLOCK_BYTES // (widest * dtype.itemsize))
    return min(_BLOCK_ROWS, max(64, 1 << (fitting.bit_length() - 1)))


def _slices(rows: int, block: int) -> list[slice]:
    return [slice(begin, min(begin + block, rows)) for begin in range(0, rows, block)]
