"""One step of a simulator with all that a shell returns: the numbers of its definition, computed faster.

The definition is :func:`reference_step`, which runs itself if the physics cannot be traced
(:mod:`hnn_gym.envs.compiling`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np

from hnn_gym.envs.compiling import AT_START, STATES, StepProgram, program_of, step_outputs
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


def step_one(simulator: Simulator) -> Step:
    """Return the step of one state ``(2n,)`` under an action ``(k,)``, t seconds into the episode.

    It must not be used by two threads at once.
    """
    return _compiled(simulator, program_of(simulator))


def _compiled(simulator: Simulator, made: StepProgram | None) -> Step:
    observed = simulator.task.observation_space.dtype

    def plain(x: np.ndarray, action: np.ndarray, t: float = 0.0) -> Outcome:
        outcome = reference_step(simulator, x, action, t)
        info = {name: np.asarray(value).item() for name, value in outcome.info.items()}
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
        return Outcome(new, force, observation, reward, terminated, dict(zip(infos, values, strict=True)))

    def partly(x: np.ndarray, action: np.ndarray, t: float = 0.0) -> Outcome:
        if watched and not unchanged():
            return after_a_change(x, action, t)
        try:
            values = run(x.tolist(), action.tolist(), (t,)) if timed else run(x.tolist(), action.tolist())
        except (ArithmeticError, ValueError):
            return plain(x, action, t)
        return outcome_of(simulator, dict(zip(names, values, strict=True)), t)

    return partly if made.outside or timed else whole


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
