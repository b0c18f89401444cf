"""The step of a simulator as a program: the physics always, reward and termination where that is safe.

The physics is ours, and what decides by values in it (an implicit scheme, a search) says so when it is traced. Reward
and termination may be anybody's. They are traced if all that they read besides their arguments is known
(:mod:`hnn_gym.envs.readings`), and if the trace gives the numbers of the functions themselves. Otherwise, and as soon
as something that they read has changed, the shells call them on what the program yields.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from traceback import walk_tb
from typing import Any

import numpy as np

from hnn_gym.envs.core import Simulator
from hnn_gym.envs.readings import Opaque, Readings, readings_of
from hnn_gym.envs.tasks.wrapper import unwrapped
from hnn_gym.errors import NotCompiledWarning
from hnn_gym.physics.phase import Array
from hnn_gym.trace import NotTraceable, Program, scalar_code, trace

AT_START = "at_start_"
"""Before the names of outputs that are functions of the input state alone."""
STATES = ("q", "v", "force", "next_q", "next_v")
"""Arguments of a reward."""
_CALLED = {"reward": "reward", "terminated": "termination"}
_SAMPLES = 5


@dataclass(frozen=True)
class StepProgram:
    """A traced step.

    Attributes:
        program: from x ``(2n,)``, action ``(k,)`` and, where the goal of the task changes, t ``(1,)``, to the info of
            the step by name, x, force, observation, reward and terminated, and to the observation and info of the
            input state under names that begin with :data:`AT_START`.
        outside: those of "reward" and "terminated" that are not among the outputs. In their place are their arguments
            :data:`STATES` and, if there is one, the charge.
        readings: what the program takes for constants.
    """

    program: Program
    outside: tuple[str, ...]
    readings: Readings

    def later(self, simulator: Simulator) -> StepProgram | None:
        """The program to use when something has changed that this one takes for a constant; a warning says what."""
        names = ", ".join(self.readings.changed())
        kind = "reward and the termination are" if len(self.outside) < len(_CALLED) else "goal is"
        _warn(f"{names} has changed, so that the {kind} no longer compiled into the step, which makes it slower", None)
        return program_of(simulator, inside=())


def program_of(simulator: Simulator, *, inside: tuple[str, ...] = tuple(_CALLED)) -> StepProgram | None:
    """Trace the step; None if its physics cannot be traced. A warning says what cannot be traced, and why.

    Args:
        simulator: whose step.
        inside: which of "reward" and "terminated" to trace if that is safe.
    """
    task = simulator.task
    try:
        goal = [task.goal] if task.goal_size else []
        readings_of(*goal)
        judges = _judges(simulator)
        safe = {name: judges[name] for name in inside if _is_safe(simulator, name, judges[name])}
        outside = tuple(name for name in _CALLED if name not in safe)
        program = trace(_step(simulator, outside), **_sizes(simulator))
    except Exception as error:  # whatever physics of the user's own does with arrays of nodes
        _warn(f"The step of {_named(simulator)} is not compiled, which makes it slower", error)
        return None
    return StepProgram(program, outside, readings_of(*goal, *(f for functions in safe.values() for f in functions)))


def _judges(simulator: Simulator) -> dict[str, list[Callable[..., Any]]]:
    """The functions of the task that decide about reward and termination."""
    task = simulator.task
    if not task.goal_size:
        return {"reward": [task.reward], "terminated": [task.terminated]}
    return {"reward": [task.at, task.at(np.zeros(())).reward], "terminated": [task.terminated]}


def _sizes(simulator: Simulator) -> dict[str, int]:
    sizes = {"x": 2 * simulator.world.coordinates.n, "action": simulator.action_size}
    return sizes | {"t": 1} if simulator.task.goal_size else sizes


def step_outputs(
    simulator: Simulator, outside: tuple[str, ...], x: Array, action: Array, t: Array | float = 0.0
) -> dict[str, Array]:
    """The outputs of a :class:`StepProgram` that are about the step, on arrays of any library."""
    motion = simulator.move(x, action)
    outputs = {**simulator.state_info(motion.x, energy=motion.energy), **simulator.step_info(motion)}
    outputs |= {"x": motion.x, "force": motion.force}
    outputs["observation"] = simulator.observation(motion.next_q, motion.next_v, t + abs(simulator.world.dt))
    if "reward" not in outside:
        outputs["reward"] = simulator.reward(*motion[1:6], charge=motion.charge, t=t)
    elif motion.charge is not None:
        outputs["charge"] = motion.charge
    if "terminated" not in outside:
        outputs["terminated"] = simulator.task.terminated(motion.next_q, motion.next_v)
    needed = STATES if "reward" in outside else STATES[3:] if outside else ()
    return outputs | {name: getattr(motion, name) for name in needed}


def at_start(simulator: Simulator, x: Array, t: Array | float = 0.0) -> dict[str, Array]:
    """Observation of phase points ``(..., 2n)`` that no step led to, and the info about them, by name."""
    return {"observation": simulator.observation(*simulator.world.state(x), t), **simulator.state_info(x)}


def _step(simulator: Simulator, outside: tuple[str, ...]) -> Callable[..., Mapping[str, Any]]:
    """The function to trace."""

    def step(x: Array, action: Array, *rest: Array) -> Mapping[str, Any]:
        t = rest[0][0] if rest else 0.0
        start = {AT_START + name: value for name, value in at_start(simulator, x, t).items()}
        return {**step_outputs(simulator, outside, x, action, t), **start}

    return step


def _is_safe(simulator: Simulator, name: str, functions: list[Callable[..., Any]]) -> bool:
    """Whether reward or termination may be traced; a warning says why not."""
    try:
        readings_of(*functions)
        _compare(simulator, name)
    except Exception as error:  # whatever a function of the user's own does
        what = f"The {_CALLED[name]} of {_named(simulator)} is called outside the compiled step, which makes it slower"
        _warn(what, error)
        return False
    return True


def _compare(simulator: Simulator, name: str) -> None:
    """Refuse a reward or termination that gives other numbers on traced than on plain arrays, or from call to call.

    Raises:
        Opaque: it does.
    """
    task, coordinates = simulator.task, simulator.world.coordinates
    rng = np.random.default_rng(0)
    starts = [task.initial(rng, {}) for _ in range(_SAMPLES)]
    q, v = (np.array(part, np.float64) for part in zip(*starts, strict=True))
    near = [part + 0.1 * rng.normal(size=part.shape) for part in (q, v)]
    states = (q, v, rng.uniform(-1, 1, (_SAMPLES, len(coordinates.controls))), *near)
    t = rng.uniform(0, 10, _SAMPLES)

    def judge(q: Array, v: Array, force: Array, next_q: Array, next_v: Array, t: Array) -> Mapping[str, Any]:
        if name == "terminated":
            return {name: task.terminated(next_q, next_v)}
        return {name: simulator.reward(q, v, force, next_q, next_v, t=t[..., 0])}

    sizes = {part: array.shape[1] for part, array in zip(STATES, states, strict=True)} | {"t": 1}
    run = scalar_code.compiled(trace(judge, **sizes), {})
    arrays = (*states, t[:, None])
    rows = [[array[i] for array in arrays] for i in range(_SAMPLES)]
    traced = np.array([run(*(part.tolist() for part in row))[0] for row in rows], np.float64)
    for _ in range(2):
        plain = np.array([np.asarray(judge(*row)[name]).item() for row in rows], np.float64)
        if traced.shape != plain.shape or not np.allclose(traced, plain, rtol=1e-9, atol=1e-12, equal_nan=True):
            raise Opaque("it gives other numbers when it is traced, or from one call to the next")
    try:
        batch = np.asarray(judge(*arrays)[name], np.float64)
    except Exception:  # it is not meant for batches, which the shells of batches refuse themselves
        return
    if batch.shape == plain.shape and not np.allclose(batch, plain, rtol=1e-9, atol=1e-12, equal_nan=True):
        raise Opaque("it gives other numbers for a batch of states than for each of them")


def _named(simulator: Simulator) -> str:
    return type(unwrapped(simulator.task)).__name__


def _warn(what: str, reason: Exception | None) -> None:
    """Say what is not compiled, and why: where in the code, for what the trace met."""
    if isinstance(reason, Opaque):
        what = f"{what}: {reason}"
    elif reason is not None:
        frames = [frame for frame, _ in walk_tb(reason.__traceback__)]
        ours = [frame.f_code.co_qualname for frame in frames if ".trace" not in frame.f_globals.get("__name__", "")]
        kind = "" if isinstance(reason, NotTraceable) else f"{type(reason).__name__}: "
        what = f"{what}: {ours[-1]}: {kind}{reason}"
    warnings.warn(f"{what}.", NotCompiledWarning, stacklevel=2)
