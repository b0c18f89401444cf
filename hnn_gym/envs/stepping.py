"""One step of a simulator with all that a shell returns: the numbers of its definition, computed faster.

The definition is :func:`reference_step`, which runs itself if the physics cannot be traced
(:mod:`hnn_gym.envs.compiling`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

import numpy as np

from hnn_gym.envs.compiling import AT_START, STATES, StepProgram, at_start, program_of, start_program, step_outputs
from hnn_gym.envs.core import Simulator
from hnn_gym.physics.phase import Array
from hnn_gym.trace import scalar_code

_NOT_INFO = frozenset({"x", "observation", "reward", "terminated", "charge", *STATES})


class Outcome(NamedTuple):
    """The result of one step, with batch axes ``(...)``.

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


def reference_step(simulator: Simulator, x: Array, action: Array, t: Array | float = 0.0) -> Outcome:
    """Step phase points ``(..., 2n)`` under actions ``(..., k)``: the definition of what the faster ways compute.

    The step begins t seconds ``(...)`` into the episode.
    """
    return outcome_of(simulator, step_outputs(simulator, (), x, action, t), t)


def outcome_of(simulator: Simulator, outputs: Mapping[str, Array], t: Array | float) -> Outcome:
    """The outcome of a step with these outputs; reward and termination are called here if they are missing."""
    reward, terminated = outputs.get("reward"), outputs.get("terminated")
    if reward is None:
        states = (outputs[name] for name in STATES)
        reward = simulator.reward(*states, charge=outputs.get("charge"), t=t)
    if terminated is None:
        terminated = simulator.task.terminated(outputs["next_q"], outputs["next_v"])
    info = {name: value for name, value in outputs.items() if name not in _NOT_INFO}
    return Outcome(outputs["x"], outputs["force"], outputs["observation"], reward, terminated, info)


Step = Callable[[np.ndarray, np.ndarray, float], Outcome]


def _with_dtypes(names: Iterable[str], values: Iterable[Any]) -> dict[str, Any]:
    """An info whose numbers are NumPy's, since clients ask for their dtypes, and whose truth values are Python's.

    Of NumPy's truth values, Gymnasium's vector environments would make arrays of objects.
    """
    return {
        name: value if isinstance(value, bool) else np.float64(value) for name, value in zip(names, values, strict=True)
    }


def step_one(simulator: Simulator) -> Step:
    """Return the step of one state ``(2n,)`` under an action ``(k,)``, t seconds into the episode.

    It must not be used by two threads at once.
    """
    return _compiled(simulator, program_of(simulator))


def _compiled(simulator: Simulator, made: StepProgram | None) -> Step:
    observed = simulator.task.observation_space.dtype

    def plain(x: np.ndarray, action: np.ndarray, t: float = 0.0) -> Outcome:
        outcome = reference_step(simulator, x, action, t)
        info = _with_dtypes(outcome.info, (np.asarray(value).item() for value in outcome.info.values()))
        return outcome._replace(observation=outcome.observation.astype(observed), info=info)

    if made is None:
        return plain
    program = made.program.select_outputs(name for name in made.program.outputs if not name.startswith(AT_START))
    run = scalar_code.compiled(program, {"observation": observed})
    names, timed = tuple(program.outputs), "t" in program.inputs
    unchanged, watched = made.readings.unchanged, bool(made.readings.names)
    infos = names[: names.index("x")]
    replacement: Step | None = None

    def after_a_change(x: np.ndarray, action: np.ndarray, t: float) -> Outcome:
        nonlocal replacement
        if replacement is None:
            replacement = _compiled(simulator, made.later(simulator))
        return replacement(x, action, t)

    def whole(x: np.ndarray, action: np.ndarray, t: float = 0.0) -> Outcome:
        if watched and not unchanged():
            return after_a_change(x, action, t)
        try:
            *values, new, force, observation, reward, terminated = run(x.tolist(), action.tolist())
        except (ArithmeticError, ValueError):  # a float raises where an array becomes infinite
            return plain(x, action, t)
        return Outcome(new, force, observation, reward, terminated, _with_dtypes(infos, values))

    def partly(x: np.ndarray, action: np.ndarray, t: float = 0.0) -> Outcome:
        if watched and not unchanged():
            return after_a_change(x, action, t)
        try:
            values = run(x.tolist(), action.tolist(), (t,)) if timed else run(x.tolist(), action.tolist())
        except (ArithmeticError, ValueError):
            return plain(x, action, t)
        outcome = outcome_of(simulator, dict(zip(names, values, strict=True)), t)
        return outcome._replace(info=_with_dtypes(outcome.info, outcome.info.values()))

    return partly if made.outside or timed else whole


Begin = Callable[[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray, dict[str, Any]]]
"""From positions and velocities ``(n,)`` to the phase point ``(2n,)``, the observation ``(d,)`` and the info."""


def begin_one(simulator: Simulator, *, compiled: bool) -> Begin:
    """Return the start of an episode of one state; ``compiled`` pays where there are many.

    Not for two threads at once.
    """
    observed, more = simulator.task.observation_space.dtype, simulator.no_step_info
    more = _with_dtypes(more, more.values())

    def plain(q: np.ndarray, v: np.ndarray) -> tuple[np.ndarray, np.ndarray, dict[str, Any]]:
        x = simulator.world.phase_point(q, v)
        found = at_start(simulator, x)
        observation = found.pop("observation").astype(observed)
        return x, observation, _with_dtypes(found, (np.asarray(value).item() for value in found.values())) | more

    program = start_program(simulator) if compiled else None
    if program is None:
        return plain
    run, names = scalar_code.compiled(program, {"observation": observed}), tuple(program.outputs)[2:]

    def begin(q: np.ndarray, v: np.ndarray) -> tuple[np.ndarray, np.ndarray, dict[str, Any]]:
        try:
            x, observation, *info = run(q.tolist(), v.tolist())
        except (ArithmeticError, ValueError):  # a float raises where an array becomes infinite
            return plain(q, v)
        return x, observation, _with_dtypes(names, info) | more

    return begin


Arrived = Callable[[Array], Array | None]
"""Called with the next states ``(rows, 2n)`` before they are observed: it may replace some of them by starts, and
returns their rows ``(k,)``, or None. If it raises, nothing has changed."""


def with_starts(
    outcome: Outcome, arrived: Arrived | None, begin: Callable[[Array, Array], dict[str, Array]]
) -> Outcome:
    """An outcome in which the rows that ``arrived`` has replaced are described as ``begin(x, rows)`` describes them."""
    rows = None if arrived is None else arrived(outcome.x)
    if rows is not None:
        started = begin(outcome.x, rows)
        outcome.observation[rows] = started.pop("observation")
        for name, value in started.items():
            outcome.info[name][rows] = value
    return outcome
