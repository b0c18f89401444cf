"""The step of many states on NumPy, block by block: what is traced as in-place array code, the rest as it is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from hnn_gym.envs.checks import check_rewards
from hnn_gym.envs.core import Simulator
from hnn_gym.envs.stepping import BEGUN, Arrived, Outcome, begun, program_of, reference_step, with_starts
from hnn_gym.trace import Program, batch_code

_BLOCK_BYTES = 2**18
"""What the widest layer of a block may take: the block then stays in the second-level cache."""
_BLOCK_ROWS = 1024
_FEW = (16, 128)
"""Block sizes for the copies that begin anew while the others go on."""
_MOVED = ("x", "force", "reward", "terminated")
"""What a step yields that needs the actions."""
_FIELDS = len(Outcome._fields) - 1


class Steps:
    """The step of many states at once; holds what one step has computed for the next.

    Where that takes no more work, a step is two programs: what needs the actions, up to the next states, and what
    follows from a state alone, told or wanted in the next step. Starts are put in between, and cost no more. Where it
    would (the last force of a leapfrog step is needed on the way), starts run through a program of their own.

    Attributes:
        traced: whether it is traced.
    """

    def __init__(self, simulator: Simulator, rows: int, dtype: Any) -> None:
        """Prepare to step ``rows`` states in ``dtype``."""
        self._simulator, self._dtype = simulator, np.dtype(dtype)
        whole = program_of(simulator)
        self.traced = whole is not None
        self._observed = simulator.task.observation_space.dtype
        if whole is None:
            self._slices = _slices(rows, _BLOCK_ROWS)
            return
        starts = sorted((name for name in whole.outputs if name.startswith(BEGUN)), key=f"{BEGUN}observation".__ne__)
        infos = [name for name in whole.outputs if name not in (*Outcome._fields, *starts)]
        step = whole.select_outputs([*Outcome._fields[:_FIELDS], *infos]).reusing("x")
        tell = replace(whole.select_outputs(starts), next=step.given)
        moves = [name for name in (*_MOVED, *infos) if BEGUN + name not in starts]
        move, follow = whole.select_outputs([*moves, *starts]).split_at("x", starts)
        self._apart = move.cost + follow.cost <= step.cost
        if self._apart:
            infos = [name.removeprefix(BEGUN) for name in starts[1:]] + moves[len(_MOVED) :]
            step, tell = move, follow
        self._infos, self._starts = infos, [name.removeprefix(BEGUN) for name in starts]
        self._slices = _slices(rows, min(_block(program, self._dtype) for program in (step, tell)))
        sizes = {s.stop - s.start for s in self._slices}
        others = {name: self._observed for name in ("observation", starts[0])}
        self._run = {size: batch_code.compiled(step, size, dtype, others) for size in sizes}
        sizes = {*_FEW, *sizes} if self._apart else set(_FEW)
        self._tell = {size: batch_code.compiled(tell, size, dtype, others) for size in sizes}
        self._outputs, self._told, self._nodes = self._makers(step, rows), self._makers(tell, rows), step.given
        self._few = {size: (np.zeros(size, np.int64), self._room(size), self._for(size)) for size in _FEW}
        self._given = [self._room(s.stop - s.start) for s in self._slices]
        self._next = [self._room(s.stop - s.start) for s in self._slices]

    def begin(self, x: np.ndarray, which: np.ndarray, t: np.ndarray | None = None) -> dict[str, np.ndarray]:
        """Take note that the rows ``which`` ``(k,)`` of x ``(rows, 2n)`` are new; return what :func:`begun` tells.

        They are t seconds ``(rows,)`` into their episodes, or at the beginning.
        """
        if self.traced:
            return self._tell_some(x, which, self._given)
        told = begun(self._simulator, x[which], 0.0 if t is None else t[which])
        return told | {"observation": told["observation"].astype(self._observed)}

    def kept(self) -> None:
        """Note that the outcome of the last step was taken: its states are those of the next step."""
        if self.traced:
            self._given, self._next = self._next, self._given

    def __call__(
        self, x: np.ndarray, actions: np.ndarray, t: np.ndarray | None = None, *, arrived: Arrived | None = None
    ) -> Outcome:
        """Step states ``(rows, 2n)`` under actions ``(rows, k)``, t seconds ``(rows,)`` into their episodes.

        The arrays of the outcome are fresh. Only a goal that changes asks for t. Of rows that ``arrived`` has replaced,
        observation and info are what :func:`begun` tells, and the rest means nothing.
        """
        actions = actions.astype(self._dtype, copy=False)
        if not self.traced:
            return with_starts(self._plain(x, actions, t), arrived, self.begin)
        told = [make() for make in self._outputs]
        if not self._apart:
            rooms = [[*given, *after] for given, after in zip(self._given, self._next, strict=True)]
            self._each(self._run, x, actions, rooms, told)
            outcome = Outcome._make([*told[:_FIELDS], dict(zip(self._infos, told[_FIELDS:], strict=True))])
            return with_starts(outcome, arrived, lambda new, which: self._tell_some(new, which, self._next))
        self._each(self._run, x, actions, self._given, told)
        new, force, reward, terminated, *rest = told
        if arrived is not None:
            arrived(new)
        observation, *known = found = [make() for make in self._told]
        self._each(self._tell, new, None, self._next, found)
        info = dict(zip(self._infos, known + rest, strict=True))
        return Outcome(new, force, observation, reward, terminated, info)

    def _each(
        self,
        compiled: Mapping[int, Callable[..., None]],
        x: np.ndarray,
        actions: np.ndarray | None,
        rooms: list[list[np.ndarray]],
        outputs: list[np.ndarray],
    ) -> None:
        """Run what is compiled by number of rows, on one block after the other."""
        if len(rooms) == 1:
            compiled[len(x)](x, actions, *rooms[0], *outputs)
            return
        for s, room in zip(self._slices, rooms, strict=True):
            part = None if actions is None else actions[s]
            compiled[s.stop - s.start](x[s], part, *room, *(array[s] for array in outputs))

    def _tell_some(self, x: np.ndarray, which: np.ndarray, room: list[list[np.ndarray]]) -> dict[str, np.ndarray]:
        """Compute what is told of some rows, and what is wanted of them in the next step, into ``room``."""
        told, done = self._for(len(which)), 0
        for s, given in zip(self._slices, room, strict=True):
            here = which if len(self._slices) == 1 else which[(which >= s.start) & (which < s.stop)] - s.start
            while count := len(here):
                size = next((few for few in _FEW if count <= few), _FEW[-1])
                some, here = here[:size], here[size:]
                padded, found, filled = self._few[size]
                padded[: len(some)] = some  # the rest are rows of before, computed again and not looked at
                self._tell[size](x[s][padded % (s.stop - s.start)], None, *found, *filled)
                for array, part in zip(given, found, strict=True):
                    array[..., some] = part[..., : len(some)]
                for array, part in zip(told, filled, strict=True):
                    array[done : done + len(some)] = part[: len(some)]
                done += len(some)
        return dict(zip(self._starts, told, strict=True))

    def _plain(self, x: np.ndarray, actions: np.ndarray, t: np.ndarray | None) -> Outcome:
        parts = [reference_step(self._simulator, x[s], actions[s], 0.0 if t is None else t[s]) for s in self._slices]
        for s, part in zip(self._slices, parts, strict=True):
            check_rewards(part.reward, s.stop - s.start)
        whole = {name: np.concatenate([getattr(part, name) for part in parts]) for name in Outcome._fields[:-1]}
        whole["observation"] = whole["observation"].astype(self._observed)
        info = {name: np.concatenate([part.info[name] for part in parts]) for name in parts[0].info}
        return Outcome(**whole, info=info)

    def _room(self, rows: int) -> list[np.ndarray]:
        return batch_code.allocate(self._nodes, rows, self._dtype)

    def _for(self, rows: int) -> list[np.ndarray]:
        """Arrays for what is told of other numbers of states."""
        return [np.empty((rows, *shape[1:]), dtype, order) for shape, dtype, order in (m.args for m in self._told)]

    def _makers(self, program: Program, rows: int) -> list[partial[np.ndarray]]:
        """What makes the arrays of the outputs; the states in columns, since they are computed column by column."""
        return [
            partial(np.empty, (rows, *entries.shape), self._type(name, entries), "F" if name == "x" else "C")
            for name, entries in program.outputs.items()
        ]

    def _type(self, name: str, entries: np.ndarray) -> Any:
        if name.removeprefix(BEGUN) == "observation":
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
