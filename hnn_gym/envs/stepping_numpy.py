"""The step of many states on NumPy, block by block: traced parts as in-place array code, the rest as written."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from hnn_gym.envs.checks import check_rewards
from hnn_gym.envs.compiling import AT_START, STATES, StepProgram, at_start, program_of
from hnn_gym.envs.core import Simulator
from hnn_gym.envs.stepping import Arrived, Outcome, outcome_of, reference_step, with_starts
from hnn_gym.trace import Program, batch_code

_BLOCK_BYTES = 2**18
"""Largest size of the widest layer of a block, so that the block stays in the second-level cache."""
_BLOCK_ROWS = 1024
_FEW = (16, 128)
"""Block sizes for the copies that restart while the others continue."""
_FIELDS = Outcome._fields[:-1]
"""The results of a step beside its info."""


class Steps:
    """The step of many states at once; it keeps values that one step has computed for the next.

    If that takes no more work, a step is two programs: the first needs the actions and ends at the next states, the
    second computes what follows from a state alone, for the shell or for the next step. Starts are inserted between
    the two at no cost. Otherwise (a leapfrog step needs its last force within the first program) starts run through a
    program of their own.

    Attributes:
        traced: whether the step is traced.
    """

    def __init__(self, simulator: Simulator, rows: int, dtype: Any) -> None:
        """Prepare to step ``rows`` states in ``dtype``."""
        self._simulator, self._rows, self._dtype = simulator, rows, np.dtype(dtype)
        self._observed = simulator.task.observation_space.dtype
        self._compile(program_of(simulator))

    def _compile(self, made: StepProgram | None) -> None:
        self._made, rows, dtype = made, self._rows, self._dtype
        self.traced = made is not None
        if made is None:
            self._slices = _slices(rows, _BLOCK_ROWS)
            return
        whole = made.program
        self._timed = "t" in whole.inputs
        starts = [name for name in whole.outputs if name.startswith(AT_START)]
        starts.sort(key=f"{AT_START}observation".__ne__)
        results = [name for name in (*_FIELDS, *STATES, "charge") if name in whole.outputs]
        results = list(dict.fromkeys(results))  # the force is an argument of rewards too
        infos = [name for name in whole.outputs if name not in (*results, *starts)]
        step = whole.select_outputs([*results, *infos]).reusing("x")
        state_part = replace(whole.select_outputs(starts), next=step.given)
        moves = [name for name in step.outputs if AT_START + name not in starts]
        move, follow = whole.select_outputs([*moves, *starts]).split_at("x", starts)
        self._apart = move.cost + follow.cost <= step.cost
        if self._apart:
            step, state_part = move, follow
        self._starts = [name.removeprefix(AT_START) for name in starts]
        self._slices = _slices(rows, min(_block(program, dtype) for program in (step, state_part)))
        sizes = {s.stop - s.start for s in self._slices}
        others = {name: self._observed for name in ("observation", starts[0])}
        self._run = {size: batch_code.compiled(step, size, dtype, others) for size in sizes}
        sizes = {*_FEW, *sizes} if self._apart else set(_FEW)
        self._follow = {size: batch_code.compiled(state_part, size, dtype, others) for size in sizes}
        self._outputs, self._following = self._makers(step, rows), self._makers(state_part, rows)
        self._nodes = step.given
        self._few = {size: (np.zeros(size, np.int64), self._room(size), self._for(size)) for size in _FEW}
        self._given = [self._room(s.stop - s.start) for s in self._slices]
        self._next = [self._room(s.stop - s.start) for s in self._slices]

    def begin(self, x: np.ndarray, which: np.ndarray, t: np.ndarray | None = None) -> dict[str, np.ndarray]:
        """Note that the rows ``which`` ``(k,)`` of x ``(rows, 2n)`` are new; return what :func:`at_start` returns.

        They are t seconds ``(rows,)`` into their episodes, or at the beginning without ``t``.
        """
        if self.traced:
            return self._follow_some(x, which, t, self._given)
        info = at_start(self._simulator, x[which], 0.0 if t is None else t[which])
        return info | {"observation": info["observation"].astype(self._observed)}

    def kept(self) -> None:
        """Note that the outcome of the last step was taken: its states are those of the next step."""
        if self.traced:
            self._given, self._next = self._next, self._given

    def __call__(
        self, x: np.ndarray, actions: np.ndarray, t: np.ndarray | None = None, *, arrived: Arrived | None = None
    ) -> Outcome:
        """Step states ``(rows, 2n)`` under actions ``(rows, k)``, t seconds ``(rows,)`` into their episodes.

        The arrays of the outcome are fresh. Only a goal that changes needs t. For rows that ``arrived`` has replaced,
        observation and info are those of :func:`at_start`, and the rest is meaningless.
        """
        actions = actions.astype(self._dtype, copy=False)
        if self._made is not None and self._made.readings.names and not self._made.readings.unchanged():
            self._compile(self._made.later(self._simulator))
            self.begin(x, np.arange(len(x)), t)
        if not self.traced:
            return with_starts(self._plain(x, actions, t), arrived, self.begin)
        outputs = {name: make() for name, make in self._outputs.items()}
        if not self._apart:
            rooms = [[*given, *after] for given, after in zip(self._given, self._next, strict=True)]
            self._each(self._run, x, actions, t, rooms, outputs)
            outcome = self._outcome(outputs, t)
            return with_starts(outcome, arrived, lambda new, which: self._follow_some(new, which, None, self._next))
        self._each(self._run, x, actions, t, self._given, outputs)
        outputs["observation"] = np.empty(0)  # computed from the states after ``arrived``
        outcome = self._outcome(outputs, t)
        rows = None if arrived is None else arrived(outcome.x)
        after = None
        if t is not None:
            after = t + abs(self._simulator.world.dt)
            if rows is not None:
                after[rows] = 0.0
        following = {name: make() for name, make in self._following.items()}
        self._each(self._follow, outcome.x, None, after, self._next, following)
        found = dict(zip(self._starts, following.values(), strict=True))
        return outcome._replace(observation=found.pop("observation"), info=found | outcome.info)

    def _outcome(self, outputs: dict[str, np.ndarray], t: np.ndarray | None) -> Outcome:
        """The outcome of a step whose program has these outputs."""
        outcome = outcome_of(self._simulator, outputs, 0.0 if t is None else t)
        if self._made is None or not self._made.outside:
            return outcome
        check_rewards(outcome.reward, self._rows)
        reward, terminated = np.array(outcome.reward, self._dtype), np.array(outcome.terminated, np.bool_)
        return outcome._replace(reward=reward, terminated=terminated)

    def _each(
        self,
        compiled: Mapping[int, Callable[..., None]],
        x: np.ndarray,
        actions: np.ndarray | None,
        t: np.ndarray | None,
        rooms: list[list[np.ndarray]],
        outputs: Mapping[str, np.ndarray],
    ) -> None:
        """Run the programs, which are compiled for each number of rows, on one block after the other."""
        times = [self._column(t)] if self._timed else []
        if len(rooms) == 1:
            compiled[len(x)](x, actions, *times, *rooms[0], *outputs.values())
            return
        for s, room in zip(self._slices, rooms, strict=True):
            part = None if actions is None else actions[s]
            parts = (array[s] for array in outputs.values())
            compiled[s.stop - s.start](x[s], part, *(array[s] for array in times), *room, *parts)

    def _column(self, t: np.ndarray | None) -> np.ndarray:
        """The times as an input of a program ``(rows, 1)``; zeros if they are not given."""
        return np.zeros((self._rows, 1), self._dtype) if t is None else t[:, None].astype(self._dtype, copy=False)

    def _follow_some(
        self, x: np.ndarray, which: np.ndarray, t: np.ndarray | None, room: list[list[np.ndarray]]
    ) -> dict[str, np.ndarray]:
        """Compute what follows from some rows alone, for the shell and, into ``room``, for the next step."""
        results, done = self._for(len(which)), 0
        times = self._column(t) if self._timed else None
        for s, given in zip(self._slices, room, strict=True):
            here = which if len(self._slices) == 1 else which[(which >= s.start) & (which < s.stop)] - s.start
            while count := len(here):
                size = next((few for few in _FEW if count <= few), _FEW[-1])
                some, here = here[:size], here[size:]
                padded, found, filled = self._few[size]
                padded[: len(some)] = some  # the rest are earlier rows, computed again and not used
                rows = padded % (s.stop - s.start)
                moments = [] if times is None else [times[s][rows]]
                self._follow[size](x[s][rows], None, *moments, *found, *filled)
                for array, part in zip(given, found, strict=True):
                    array[..., some] = part[..., : len(some)]
                for array, part in zip(results, filled, strict=True):
                    array[done : done + len(some)] = part[: len(some)]
                done += len(some)
        return dict(zip(self._starts, results, strict=True))

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
        """Arrays for the observation and info of another number of states."""
        makers = (make.args for make in self._following.values())
        return [np.empty((rows, *shape[1:]), dtype, order) for shape, dtype, order in makers]

    def _makers(self, program: Program, rows: int) -> dict[str, partial[np.ndarray]]:
        """Makers of the arrays of the outputs; states are in Fortran order, since they are computed by columns."""
        return {
            name: partial(np.empty, (rows, *entries.shape), self._type(name, entries), "F" if name == "x" else "C")
            for name, entries in program.outputs.items()
        }

    def _type(self, name: str, entries: np.ndarray) -> Any:
        if name.removeprefix(AT_START) == "observation":
            return self._observed
        boolean = all(isinstance(e, bool) or getattr(e, "boolean", False) for e in entries.flat) and entries.size
        return np.bool_ if boolean else self._dtype


def _block(program: Program, dtype: np.dtype[Any]) -> int:
    """States to compute at a time, a power of two."""
    fitting = max(1, _BLOCK_BYTES // (program.widest * dtype.itemsize))
    return min(_BLOCK_ROWS, max(64, 1 << (fitting.bit_length() - 1)))


def _slices(rows: int, block: int) -> list[slice]:
    return [slice(begin, min(begin + block, rows)) for begin in range(0, rows, block)]
