"""What a system is: one row with all that is known of an environment, and nothing that has to run.

The coordinates, the task and the true physics may depend on the arguments of the environment, such as the masses of
``NBody-v0``. Where they do, the row holds a function of those arguments instead of a value.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from inspect import signature
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from hnn_gym.coordinates import Coordinates
from hnn_gym.errors import InputError, check_fields
from hnn_gym.physics.dynamics import ControlMap, Force, Hamiltonian, PortHamiltonian
from hnn_gym.physics.integrators import Integrator
from hnn_gym.systems.task import Task

if TYPE_CHECKING:
    from hnn_gym.worlds.world_model import WorldModel

_Value = TypeVar("_Value")


@dataclass(frozen=True)
class Truth:
    """The true physics of a system.

    Attributes:
        hamiltonian: H in J.
        integrator: the scheme that steps it, accurate at the time step of the system.
        damping: D ``(n,)`` of the friction D dq/dt, or None.
        control: B ``(n, m)`` of the generalised forces B u, or a function of the positions; None: each control acts on
            its own degree of freedom.
        forces: further forces F(q, v, u), such as friction of another kind.
    """

    hamiltonian: Hamiltonian
    integrator: Integrator
    damping: np.ndarray | None = None
    control: np.ndarray | ControlMap | None = None
    forces: tuple[Force, ...] = ()

    def __post_init__(self) -> None:
        """Check that the parts are what they are called.

        Raises:
            InputError: a part has another type.
        """
        check_fields(self)


@dataclass(frozen=True)
class Recording:
    """What the shipped worlds of a system are learned from: actions without a plan in the real environment.

    Attributes:
        steps: number of transitions.
        episode_steps: an episode is cut after so many steps; None: as the environment does.
        policy: "random", or "bang-bang" where random actions do not reach far.
        hold: the largest number of steps for which an action is held; None: the policy's own.
    """

    steps: int
    episode_steps: int | None = None
    policy: str = "random"
    hold: int | None = None

    def __post_init__(self) -> None:
        """Check the types.

        Raises:
            InputError: an entry has another type.
        """
        check_fields(self)


@dataclass(frozen=True)
class Twin:
    """How a learned world that ships with the package is made.

    Attributes:
        model: kind of the model, a key of :data:`hnn_gym.models.MODELS`.
        options: hyperparameters of the model; the others keep their defaults.
        fit: settings of the fit, by the names of :class:`hnn_gym.training.FitSettings`.
        integrator: the scheme to learn through and to step with; None: the model's own.
        by_steps: every step of the recording is fitted by itself, and those that no smooth model explains, such as
            contacts, lose their weight (:mod:`hnn_gym.training.one_step`). It needs the scheme, and no settings.
    """

    model: str
    options: Mapping[str, Any] = field(default_factory=dict)
    fit: Mapping[str, Any] = field(default_factory=dict)
    integrator: Integrator | None = None
    by_steps: bool = False

    def __post_init__(self) -> None:
        """Check the types.

        Raises:
            InputError: an entry has another type.
        """
        check_fields(self)


CLOSED_FORM: Mapping[str, Any] = {"adam_steps": 0, "lbfgs_steps": 0, "least_squares_steps": 60}
"""The fit of a model without networks, which begins near its end."""
NETWORK: Mapping[str, Any] = {"adam_steps": 100, "lbfgs_steps": 0, "least_squares_steps": 25}
"""The fit of a small network to exact data."""


@dataclass(frozen=True, eq=False)
class System:
    """All that is known of one environment. Only the id is needed; what is left out is unknown.

    Attributes:
        id: id of the real environment, such as "Pendulum-v1", or the name of a recording that has no environment.
        coordinates: what the entries of its observations and actions are.
        dt: time between two observations in s.
        task: spaces, starts, reward, termination, length and renderer.
        truth: the true physics. Where Gymnasium has no environment of this id, the true world becomes that environment.
        tasks: other tasks in the same world, by the name that ``gymnasium.make(id, task=name)`` understands.
        variants: names, without version, of environments that differ from this one by arguments of
            ``gymnasium.make``: ``<name>-v0`` has the true world, ``HNN<name>-v0`` the learned one, where there are
            such.
        recording: what the twins were learned from; None: something else than the real environment.
        twins: the learned worlds that ship with the package, by the prefix of their ids: ``<prefix><name>-v0``.
        pixel_twins: the same, learned from its frames: ``<prefix>Pixel<name>-v0``.

    Raises:
        InputError: the id is not one, or there is a truth without coordinates or time step.
    """

    id: str
    coordinates: Coordinates | Callable[..., Coordinates] | None = None
    dt: float | None = None
    task: Callable[..., Task] | None = None
    truth: Truth | Callable[..., Truth] | None = None
    tasks: Mapping[str, Callable[[], Task]] = field(default_factory=dict)
    variants: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    recording: Recording | None = None
    twins: Mapping[str, Twin] = field(default_factory=dict)
    pixel_twins: Mapping[str, Twin] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Check what the row says against itself."""
        if not isinstance(self.id, str) or not self.id or ":" in self.id:
            raise InputError(f"The id of a System is the id of an environment, such as 'Mine-v0', not {self.id!r}.")
        check_fields(self)
        if self.truth is not None and (self.coordinates is None or self.dt is None):
            raise InputError(f"The System {self.id!r} has a truth: it needs coordinates and dt too.")

    @property
    def name(self) -> str:
        """The id without namespace and version: "Pendulum" for "Pendulum-v1"."""
        return re.sub(r"-v\d+$", "", self.id).rpartition("/")[2]

    def arguments(self) -> tuple[str, ...]:
        """Names of the arguments of the environment that coordinates, task or truth depend on."""
        parts = (part for part in (self.coordinates, self.task, self.truth) if callable(part))
        return tuple({name: None for part in parts for name in signature(part).parameters})

    def coordinates_for(self, arguments: Mapping[str, Any] | None = None) -> Coordinates | None:
        """The coordinates of the environment made with ``arguments``, or None where they are unknown."""
        return None if self.coordinates is None else _given(self.coordinates, arguments)

    def task_for(self, arguments: Mapping[str, Any] | None = None) -> Task | None:
        """The task of the environment made with ``arguments``, or None where it is unknown."""
        return None if self.task is None else self.task(**_taken(self.task, arguments))

    def true_world(self, arguments: Mapping[str, Any] | None = None) -> WorldModel:
        """The true world of the environment made with ``arguments``.

        Raises:
            InputError: the true physics is unknown, or it refuses the arguments.
        """
        from hnn_gym.worlds.world_model import WorldModel

        coordinates = self.coordinates_for(arguments)
        if self.truth is None or coordinates is None or self.dt is None:
            raise InputError(f"The true physics of {self.id!r} is unknown: give its System a truth.")
        truth: Truth = _given(self.truth, arguments)
        control = _selection(coordinates) if truth.control is None else truth.control
        dynamics = PortHamiltonian(truth.hamiltonian, control=control, damping=truth.damping, forces=truth.forces)
        written = {name: np.asarray(value).tolist() for name, value in (arguments or {}).items()}  # as JSON has it
        card = {"environment": {"id": self.id, "arguments": written}}
        return WorldModel(coordinates, dynamics, truth.integrator, self.dt, card=card)


def _selection(coordinates: Coordinates) -> np.ndarray:
    """B ``(n, m)`` where each control acts on the degree of freedom that it declares.

    Raises:
        InputError: a control declares none.
    """
    selection = np.zeros((coordinates.n, len(coordinates.controls)))
    for i, entry in enumerate(coordinates.controls):
        if entry.degree is None:
            raise InputError(f"{entry} does not say on which degree of freedom it acts: give the truth a control.")
        selection[entry.degree, i] = 1.0
    return selection


def _given(part: _Value | Callable[..., _Value], arguments: Mapping[str, Any] | None) -> _Value:
    """A part of a row: itself, or what its function returns for those of the arguments that it takes."""
    return part(**_taken(part, arguments)) if callable(part) else part


def _taken(function: Callable[..., Any], arguments: Mapping[str, Any] | None) -> dict[str, Any]:
    """Those of the arguments that a function takes."""
    known = signature(function).parameters
    return {name: value for name, value in (arguments or {}).items() if name in known}
