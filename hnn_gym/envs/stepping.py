"""One step of a simulator with all that a shell tells of it, traced where that can be: the same numbers, sooner.

What is traced is :func:`reference_step`, the function that runs untraced where the physics decides by values (an
implicit scheme, an energy bump) or where the task may change (a reward of the user's own).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np

from hnn_gym.envs.core import Simulator
from hnn_gym.envs.tasks import BranchedTask
from hnn_gym.physics.phase import Array
from hnn_gym.trace import Program, scalar_code, trace

BEGUN = "begun_"
"""What is told of a start goes by its name behind this."""


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


def reference_step(simulator: Simulator, x: Array, action: Array, t: Array | float = 0.0) -> Outcome:
    """Step phase points ``(..., 2n)`` under actions ``(..., k)``: the definition of what the faster ways compute.

    The step begins t seconds ``(...)`` into the episode.
    """
    transition = simulator.transition(x, action, t)
    return Outcome(
        x=transition.x,
        force=transition.force,
        observation=simulator.observation(transition.q, transition.v, t + abs(simulator.world.dt)),
        reward=transition.reward,
        terminated=transition.terminated,
        info=simulator.info(transition.x, transition),
    )


def begun(simulator: Simulator, x: Array, t: Array | float = 0.0) -> dict[str, Array]:
    """What is told of phase points ``(..., 2n)`` that no step led to: the observation, and the info by name."""
    return {"observation": simulator.observation(*simulator.world.state(x), t), **simulator.info(x)}


def program_of(simulator: Simulator) -> Program | None:
    """Trace :func:`reference_step`, and :func:`begun` as outputs "begun_NAME"; None where that cannot be."""
    task = simulator.task.task if isinstance(simulator.task, BranchedTask) else simulator.task
    if not vars(type(task)).get("traceable", False):  # never inherited: a subclass may reward otherwise
        return None
    if simulator.task.goal_size:  # a program is a function of the state alone
        return None

    def step(x: Array, action: Array) -> Mapping[str, Any]:
        told = reference_step(simulator, x, action)._asdict()
        start = {BEGUN + name: value for name, value in begun(simulator, x).items()}
        return {**told.pop("info"), **told, **start}

    size = simulator.channel.space(simulator.task).shape or (0,)
    try:
        return trace(step, x=2 * simulator.world.coordinates.n, action=size[0])
    except Exception:  # whatever a user's physics does with nodes: it runs untraced, and says itself what is wrong
        return None


def step_one(simulator: Simulator) -> Callable[[np.ndarray, np.ndarray, float], Outcome]:
    """Return the step of one state ``(2n,)`` under an action ``(k,)``, so many seconds into the episode.

    Not for two threads at once.
    """
    program = program_of(simulator)
    observed = simulator.task.observation_space.dtype

    def plain(x: np.ndarray, action: np.ndarray, t: float = 0.0) -> Outcome:
        told = reference_step(simulator, x, action, t)
        info = {name: np.asarray(value).item() for name, value in told.info.items()}
        return told._replace(observation=told.observation.astype(observed), info=info)

    if program is None:
        return plain
    program = program.select_outputs(name for name in program.outputs if not name.startswith(BEGUN))
    run = scalar_code.compiled(program, {"observation": observed})
    names = tuple(program.outputs)[: -len(Outcome._fields) + 1]

    def traced(x: np.ndarray, action: np.ndarray, t: float = 0.0) -> Outcome:
        try:
            *told, new, force, observation, reward, terminated = run(x.tolist(), action.tolist())
        except (ArithmeticError, ValueError):  # a float raises where an array becomes infinite
            return plain(x, action)
        return Outcome(new, force, observation, reward, terminated, dict(zip(names, told, strict=True)))

    return traced


Arrived = Callable[[Array], Array | None]
"""Called with the next states ``(rows, 2n)`` before anything is told of them: it may put starts in the place of some,
and returns their rows ``(k,)``, or None. What it raises leaves everything as it was."""


def with_starts(
    outcome: Outcome, arrived: Arrived | None, begin: Callable[[Array, Array], dict[str, Array]]
) -> Outcome:
    """An outcome in which the rows that ``arrived`` has replaced are told of as ``begin(x, rows)`` tells of them."""
    rows = None if arrived is None else arrived(outcome.x)
    if rows is not None:
        told = begin(outcome.x, rows)
        outcome.observation[rows] = told.pop("observation")
        for name, value in told.items():
            outcome.info[name][rows] = value
    return outcome
