"""The options that every shell of a world takes, in one place: from keyword arguments to one frozen dataclass."""

from __future__ import annotations

import reprlib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from hnn_gym.envs.tasks.recorded import Reward, Termination
from hnn_gym.errors import InputError, are_finite_numbers, check_arguments, true_or_false
from hnn_gym.systems.task import Task

_OF_BATCHES = ("num_envs", "autoreset_mode", "staggered", "dtype", "device")
_ELSEWHERE = {
    "render_mode": "Pictures belong to gymnasium.make, gymnasium.make_vec and hnn_gym.make_sb3_vec(..., draws=True).",
    "max_episode_steps": "Give max_episode_steps to gymnasium.make, or wrap the environment in its TimeLimit.",
} | {name: f"{name} belongs to gymnasium.make_vec and hnn_gym.make_sb3_vec." for name in _OF_BATCHES}
"""For arguments that a shell does not take: where to give them instead."""


class UnknownArgumentError(InputError, TypeError):
    """A keyword argument that no shell takes; libraries that try an argument catch Python's error and its words."""


@dataclass(frozen=True, eq=False)
class SimulatorOptions:
    """How a task is put into a world: keyword arguments of ``gymnasium.make``, ``make_vec`` and ``build_simulator``.

    Raises:
        InputError: a value makes no sense in any world.
    """

    task: Task | str | None = None
    """The task; a name, one of those in ``tasks`` of a :class:`hnn_gym.System`, such as "energy sweep". None: the task
    of the environment that the world was learned from."""
    reward: Reward | None = None
    """A function f(observation, force, next_observation) that replaces the known reward; needed if none is known."""
    terminated: Termination | None = None
    """A function f(observation) in place of the known or learned termination: whether the episode ends there."""
    dt: float | None = None
    """Time step in s; None: the one that the world was trained at."""
    stepping: str = "symplectic"
    """The scheme of a world that was trained by ``--model auto``. "symplectic": energy is conserved. "recorded": the
    scheme that made the recording, which makes the world the exact twin of a game that gains energy."""
    actions: str = "force"
    """"force", "bump", "force+bump" or "bump-by-force"."""
    bump_limit: float = 1.0
    """Largest abs(dE) of one step in J."""
    bump_cost: float = 0.05
    """Reward subtracted for every joule that a bump gives or takes."""
    exactly_reversible: bool = False
    """Whether to step on a lattice of 1e-12, so that ``reverse`` leads back bit for bit. A step that meets a speed
    limit, or would leave the lattice, is then refused."""
    disagreement_penalty: float = 0.0
    """Reward subtracted for every unit of disagreement of an ensemble, in every step."""
    disagreement_limit: float | None = None
    """The episode is truncated where the disagreement is larger; None: never."""
    starts: np.ndarray | None = None
    """Real observations ``(k, d)`` to begin episodes at; None: the starts of the task."""
    controls: tuple[int, ...] | None = None
    """Which of the world's controls act, such as (1,) for the second motor of two. The others exert nothing, an action
    has no entry for them, and a reward sees a force of 0. None: all of them act."""

    def __post_init__(self) -> None:
        """Check what does not depend on the world."""
        true_or_false(self.exactly_reversible, "exactly_reversible")
        dt = self.dt
        if dt is not None and not (are_finite_numbers((dt,), count=1) and dt > 0):
            raise InputError(f"dt must be a positive number of seconds, got {reprlib.repr(dt)}.")
        if self.task is not None and self.reward is not None:
            raise InputError("Give either task or reward: a task has a reward of its own.")
        if self.reward is not None and not callable(self.reward):
            raise InputError(f"reward must be a function f(observation, force, next_observation), not {self.reward!r}.")
        if self.task is not None and self.terminated is not None:
            raise InputError("Give either task or terminated: a task has a termination of its own.")
        if self.terminated is not None and not callable(self.terminated):
            raise InputError(f"terminated must be a function f(observation), not {self.terminated!r}.")
        own = ("task", "reward", "terminated", "controls", "bump_limit", "bump_cost")  # they have messages of their own
        check_arguments(type(self), **{f.name: getattr(self, f.name) for f in fields(self) if f.name not in own})

    @classmethod
    def from_keywords(cls, keywords: Mapping[str, Any], *, also: tuple[str, ...] = ()) -> SimulatorOptions:
        """The options that keyword arguments give.

        Args:
            keywords: as the caller of a shell gave them.
            also: names of the shell's own arguments, for the message.

        Raises:
            UnknownArgumentError: a name is unknown here.
            InputError: a value makes no sense.
        """
        known = [field.name for field in fields(cls)]
        unknown = [name for name in keywords if name not in known]
        if unknown:
            names = ", ".join(unknown)
            hints = [_ELSEWHERE[name] for name in unknown if name in _ELSEWHERE]
            sentences = [f"{names}: unknown here. The arguments are {', '.join([*known, *also])}.", *hints]
            quoted = ", ".join(map(repr, unknown))
            raise UnknownArgumentError(" ".join([*sentences, f"(There is an unexpected keyword argument {quoted}.)"]))
        return cls(**keywords)
