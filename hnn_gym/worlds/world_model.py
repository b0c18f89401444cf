"""A world: x' = step(x, action), with coordinates, dynamics, integrator, time step and provenance together.

The true and the learned world are the same object; only the dynamics differ.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np

from hnn_gym.coordinates import Coordinates
from hnn_gym.errors import InputError, finite_number, instance
from hnn_gym.files.checkpoint import read_checkpoint, write_checkpoint
from hnn_gym.models import MODELS, Architecture, Parameters, Variables, check_shapes
from hnn_gym.physics.bumps import Bump, Direction, bump
from hnn_gym.physics.dynamics import Dynamics, PortHamiltonian, Structure
from hnn_gym.physics.integrators import Integrator, Lattice, integrator_from_json, integrator_to_json
from hnn_gym.physics.phase import Array, join, namespace, split
from hnn_gym.physics.simulate import rollout
from hnn_gym.worlds.card import checked_card
from hnn_gym.worlds.onnx_export import write_step

_ROUNDING = 1e-9
"""A speed that exceeds a limit by a smaller share was not clipped by it."""
_SHORTEST_STEP, _LONGEST_STEP = 1e-15, 1e15


@dataclass(frozen=True)
class WorldModel:
    """Physics that can be observed and acted on, as pure functions of arrays with free batch axes.

    Attributes:
        coordinates: observations <-> states, actions -> forces.
        dynamics: true or learned.
        integrator: the scheme that steps it.
        dt: step in s; negative runs backwards.
        architecture: the model that built ``dynamics``, or None for true physics.
        parameters: the parameters of that model, or None for true physics.
        card: provenance and measured figures, JSON-ready.

    Raises:
        InputError: the scheme does not fit the dynamics, or their degrees of freedom differ.
    """

    coordinates: Coordinates
    dynamics: Dynamics
    integrator: Integrator
    dt: float
    architecture: Architecture | None = None
    parameters: Parameters | None = None
    card: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Check that the parts fit."""
        instance(self.coordinates, "coordinates", Coordinates)
        instance(self.integrator, "integrator", Integrator)  # type: ignore[type-abstract]
        for name, kind in (("architecture", Architecture), ("parameters", Mapping)):
            if getattr(self, name) is not None:
                instance(getattr(self, name), name, kind)
        instance(self.card, "card", Mapping)  # type: ignore[type-abstract]
        self.integrator.check(self.dynamics)
        if self.dynamics.n != self.coordinates.n:
            raise InputError(
                f"The dynamics have {self.dynamics.n} degrees of freedom and the coordinates {self.coordinates.n}."
            )
        dt = finite_number(self.dt, "dt")
        if not _SHORTEST_STEP <= abs(dt) <= _LONGEST_STEP:
            raise InputError(
                f"dt must be a number of seconds between {_SHORTEST_STEP:g} and {_LONGEST_STEP:g}, negative to run "
                f"backwards, got {dt}."
            )

    @classmethod
    def built(
        cls,
        architecture: Architecture,
        parameters: Parameters,
        *,
        coordinates: Coordinates,
        integrator: Integrator,
        dt: float,
        card: Mapping[str, Any] | None = None,
    ) -> WorldModel:
        """Build the world of a model and its parameters, in the parameters' array library."""
        return cls(
            coordinates,
            architecture.build(parameters),
            integrator,
            dt,
            architecture,
            parameters,
            dict(card or {}),
        )

    @property
    def has_energy(self) -> bool:
        """Whether the dynamics have a Hamiltonian."""
        return self.dynamics.hamiltonian is not None

    @property
    def energy_unit(self) -> str:
        """The unit: "J" if the actions are forces in SI units or the physics is true, else "" (scale unknown)."""
        return "J" if self.architecture is None or self.coordinates.in_physical_units else ""

    def energy(self, x: Array) -> Array:
        """H at phase points ``(..., 2n)``; shape ``(...)``.

        Raises:
            InputError: the world is a baseline and has no H.
        """
        hamiltonian = self.dynamics.hamiltonian
        if hamiltonian is None:
            raise InputError(
                f"A {type(self.architecture).__name__} world has no Hamiltonian: use a world of kind 'mechanical', "
                "'separable' or 'hnn'."
            )
        return hamiltonian.energy(x)

    def phase_point(self, q: Array, v: Array) -> Array:
        """Phase points x = [q, p] ``(..., 2n)`` of states ``(..., n)``, ``(..., n)``; on a lattice, the nearest."""
        return self.integrator.snap(join(q, self.dynamics.momentum(q, v)))

    def state(self, x: Array) -> tuple[Array, Array]:
        """States (q, v), each ``(..., n)``, of phase points ``(..., 2n)``."""
        q, p = split(x)
        return q, self.dynamics.velocity(q, p)

    def encode(self, observation: Array) -> Array:
        """Phase points ``(..., 2n)`` of observations ``(..., d)``."""
        return self.phase_point(*self.coordinates.state(observation))

    def decode(self, x: Array) -> Array:
        """Observations ``(..., d)`` of phase points ``(..., 2n)``."""
        return self.coordinates.observation(*self.state(x))

    def step(self, x: Array, action: Array | None = None, *, duration: Array | None = None) -> Array:
        """Advance phase points ``(..., 2n)`` by ``dt`` under actions ``(..., m)``, clipped to their limits.

        With ``duration`` ``(...)``, in s, a step of each point takes its own time instead of ``dt``.

        Where the coordinates declare a speed limit, a velocity that would exceed it is clipped. With a scheme that
        kicks and then drifts, such as symplectic Euler, the degree of freedom moves at the limit: to the bit, this is
        Gymnasium's kick, clip, drift. Other schemes end with the clip, as in Acrobot-v1. Walls come after that, see
        :class:`hnn_gym.coordinates.DegreeOfFreedom`.

        Raises:
            InputError: phase points or actions have another size, or a step on a lattice, which has to be reversible
                to the bit, met a speed limit or a wall.
        """
        n, controls = self.coordinates.n, len(self.coordinates.controls)
        if x.shape[-1:] != (2 * n,):
            raise InputError(f"A step needs phase points (..., {2 * n}), and their shape is {tuple(x.shape)}.")
        if action is None:
            return self.advance(x, None, duration=duration)
        if self.coordinates.force_table is None and action.shape[-1:] != (controls,):
            raise InputError(f"A step needs actions (..., {controls}), and their shape is {tuple(action.shape)}.")
        return self.advance(x, self.coordinates.force(action), duration=duration)

    def advance(self, x: Array, force: Array | None, *, duration: Array | None = None) -> Array:
        """As :meth:`step`, under generalised forces ``(..., m)`` within their limits, or None."""
        u = force if self.coordinates.controls else None
        dt = self.dt if duration is None else duration[..., None]
        new = self.integrator.step(self.dynamics, x, dt, u)
        limits = self.coordinates.speed_limits
        if limits is not None:
            new = self._limited(x, new, limits, dt)
        return self._stopped(new) if self.coordinates.has_walls else new

    def bump(self, x: Array, dE: Array | float, *, direction: Direction = "momentum") -> Bump:
        """Give phase points ``(..., 2n)`` dE joules ``(...)`` within speed limits: see :func:`.bumps.bump`.

        What a limit takes away is taken from ``realised`` too. At rest, where an impulse has no direction of its own,
        it goes towards larger q, as :class:`hnn_gym.envs.BumpByForce` pushes; bodies stay at rest, since that would
        only move them all alike.

        Raises:
            InputError: the world is a baseline and has no H, or a request is not finite.
        """
        q = split(x)[0]
        at_rest = self.dynamics.momentum(q, namespace(q).ones_like(q)) if direction == "momentum" else None
        given = bump(self.dynamics.hamiltonian, x, dE, direction=direction, at_rest=at_rest)
        if self.coordinates.speed_limits is None and not self.integrator.exact:
            return given
        new, clipped = self.integrator.snap(self.within_speed_limits(given.x)), given.clipped
        limits = self.coordinates.speed_limits
        if limits is not None:
            v = self.state(given.x)[1]
            over = (abs(v[..., i]) > limit * (1 + _ROUNDING) for i, limit in enumerate(limits))
            for one in over:
                clipped = clipped | one
        return given._replace(x=new, realised=self.energy(new) - self.energy(x), clipped=clipped)

    def within_speed_limits(self, x: Array) -> Array:
        """Phase points ``(..., 2n)`` with speeds clipped to the limits that the coordinates declare."""
        limits = self.coordinates.speed_limits
        if limits is None:
            return x
        q, v = self.state(x)
        return self.phase_point(q, _clipped(v, limits))

    def _limited(self, x: Array, new: Array, limits: tuple[float, ...], dt: Array | float) -> Array:
        q, v = self.state(new)
        xp = namespace(x)
        clipped = _clipped(v, limits)
        over = clipped != v
        if isinstance(new, np.ndarray) and not over.any():  # the common case, and cheap to check on the CPU
            return new
        if self.integrator.exact and bool(xp.any(over)):
            raise InputError(
                f"A step met the speed limit of {max(limits):g}, and clipping cannot be undone: push "
                "less, or do without the lattice (exactly_reversible=False)."
            )
        if self.integrator.drifts_last:
            q = xp.where(over, split(x)[0] + dt * clipped, q)
        limited = self.phase_point(q, clipped)
        return xp.where(xp.any(over, axis=-1, keepdims=True), limited, new)

    def _stopped(self, new: Array) -> Array:
        """Phase points ``(..., 2n)`` after the walls that the coordinates declare."""
        q, v = self.state(new)
        xp = namespace(new)
        new_q, new_v = self.coordinates.within_stops(q, v)
        met = xp.any((new_q != q) | (new_v != v), axis=-1, keepdims=True)
        if isinstance(new, np.ndarray) and not met.any():
            return new
        if self.integrator.exact and bool(xp.any(met)):
            raise InputError(
                "A step met a wall, and its loss of speed cannot be undone: push less, or do without the lattice "
                "(exactly_reversible=False)."
            )
        return xp.where(met, self.phase_point(new_q, new_v), new)

    def rollout(
        self, x0: Array, actions: Array | None = None, *, steps: int | None = None, durations: Array | None = None
    ) -> Array:
        """Step again and again.

        Args:
            x0: start points ``(..., 2n)``.
            actions: actions ``(steps, ..., m)``, or None for none.
            steps: number of steps; needed without actions.
            durations: time that each step takes in s ``(steps, ...)``; None: all take ``dt``.

        Returns:
            Phase points ``(steps + 1, ..., 2n)``, x0 first.
        """
        if steps is None:
            if actions is None:
                raise InputError("rollout needs actions or a number of steps.")
            steps = int(actions.shape[0])
        if durations is None:
            return rollout(self.step, x0, steps=steps, u=actions)

        def step(x: Array, k: Array | None) -> Array:
            return self.step(x, None if actions is None else actions[k], duration=durations[k])

        return rollout(step, x0, steps=steps, u=np.arange(steps))

    def on_lattice(self) -> WorldModel:
        """The same physics and scheme, with steps that can be undone bit for bit: see :class:`.Lattice`.

        Raises:
            InputError: the forces depend on p, or the scheme does not consist of kicks and drifts.
        """
        if self.dynamics.structure < Structure.SEPARABLE:
            split_up = self.dynamics.structure == Structure.SPLIT
            lacking = "the forces here depend on p" if split_up else "these dynamics are not of that kind"
            raise InputError(
                f"Only steps of H = T(p) + V(q) without friction can be undone bit for bit, and {lacking}: do without "
                "exactly_reversible=True, or use a 'mechanical', 'separable' or 'pairwise' world without damping."
            )
        return replace(self, integrator=Lattice(self.integrator))

    def stepping(self, kind: str) -> WorldModel:
        """The world with the scheme that made its recording, or with the symplectic one that its card names.

        Args:
            kind: "recorded" or "symplectic". A world whose card names no scheme has one for both.

        Raises:
            InputError: there is no such kind.
        """
        if kind not in ("symplectic", "recorded"):
            raise InputError(f"stepping must be 'symplectic' or 'recorded', not {kind!r}.")
        named = self.card.get("stepping", {}).get(kind)
        return self if named is None else replace(self, integrator=integrator_from_json(named))

    def with_dt(self, dt: float) -> WorldModel:
        """The same physics at another time step."""
        return replace(self, dt=finite_number(dt, "dt"))

    @cached_property
    def backwards(self) -> WorldModel:
        """The world whose step undoes a step of this one.

        The inverse is exact to rounding unless a speed limit was met, and on a lattice to the bit; with friction
        symplectic Euler's inverse has an error of O(dt^2).

        Raises:
            InputError: the scheme cannot be inverted explicitly.
        """
        return replace(self, integrator=self.integrator.adjoint, dt=-self.dt)

    def like(self, x: Array) -> WorldModel:
        """The same world with its arrays in the library, dtype and device of ``x``."""
        xp, kind = namespace(x), {"dtype": x.dtype, "device": getattr(x, "device", None)}
        if self.architecture is not None and self.parameters is not None:
            arrays = _on_numpy(self.parameters) if xp is np else self.parameters
            parameters = {name: xp.asarray(value, **kind) for name, value in arrays.items()}
            return replace(self, dynamics=self.architecture.build(parameters), parameters=parameters)
        if isinstance(self.dynamics, PortHamiltonian):
            port: dict[str, Any] = {
                name: None if value is None else xp.asarray(value, **kind)
                for name in ("control", "damping", "dry")
                if not callable(value := getattr(self.dynamics, name))
            }
            return replace(self, dynamics=replace(self.dynamics, **port))
        raise InputError(f"{type(self.dynamics).__name__} cannot be moved to another array library.")

    def save(self, path: str | os.PathLike[str], *, overwrite: bool = False) -> None:
        """Write the world as a checkpoint folder: arrays as safetensors, all the rest as a JSON card.

        Raises:
            InputError: the world is true physics, which has no weights, or its scheme cannot be saved.
            ExistingPathError: the folder holds a checkpoint and ``overwrite`` is False.
        """
        write_checkpoint(path, *self.as_checkpoint(), overwrite=overwrite)

    def as_checkpoint(self) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
        """Return the card and the arrays that :meth:`save` writes.

        Raises:
            InputError: the world is true physics, which has no weights, or its scheme cannot be saved.
        """
        if self.architecture is None or self.parameters is None:
            raise InputError("Only learned worlds can be saved: this one holds true physics, build it from code.")
        model = self.architecture.hyperparameters()
        content = {
            "model": {"kind": self.architecture.kind} | model,
            "variables": asdict(self.architecture.variables),
            "coordinates": self.coordinates.to_json(),
            "integrator": integrator_to_json(self.integrator),
            "dt": self.dt,
            "energy_unit": self.energy_unit,
            "provenance": dict(self.card),
        }
        return content, _on_numpy(self.parameters)

    def export_onnx(self, path: str | os.PathLike[str], *, dtype: str = "float64") -> None:
        """Write one step as an ONNX file, for any runtime of that format; the batch axis is free.

        Inputs: ``state`` = [q, dq/dt] ``(batch, 2n)``, ``action``, a control vector ``(batch, m)`` (absent without
        controls), and ``dt`` in s ``(batch, 1)``. Outputs: ``next_state`` ``(batch, 2n)``, its ``observation``
        ``(batch, d)`` and, for a world with an H, its ``energy`` ``(batch,)``.

        Args:
            path: the file; an existing one is replaced.
            dtype: "float64" or "float32".

        Raises:
            InputError: the package ``onnx`` is not installed (extra ``onnx``), the step cannot be traced or has an
                operation that ONNX lacks, or the file cannot be written.
        """
        n, m = self.coordinates.n, len(self.coordinates.controls)

        def step(state: Array, *others: Array) -> Mapping[str, Array]:
            action, dt = others if m else (None, *others)
            x = self.step(self.phase_point(*split(state)), action, duration=dt[..., 0])
            q, v = self.state(x)
            outputs = {"next_state": join(q, v), "observation": self.coordinates.observation(q, v)}
            return outputs | ({"energy": self.energy(x)} if self.has_energy else {})

        sizes = {"state": 2 * n, **({"action": m} if m else {}), "dt": 1}
        words = f"One step of a world: state = [q, dq/dt], action, dt in s (trained at {self.dt:g}) -> next_state, ..."
        write_step(step, sizes, path, dtype=dtype, words=words)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> WorldModel:
        """Read a checkpoint folder, onto NumPy in float64. Nothing in it is executed.

        Raises:
            MissingPathError: there is nothing at ``path``.
            InputError: the folder is not a checkpoint of this package, is damaged, has another version, or its arrays
                do not fit.
        """
        card, arrays = read_checkpoint(path)
        if not all(value.dtype.kind == "f" and np.isfinite(value).all() for value in arrays.values()):
            raise InputError(f"The arrays of {path} hold NaN or infinity: the training failed, retrain it.")
        try:
            model = _tuples(card["model"])
            if model.get("mass_matrix") is False:  # release 0.1 wrote it so
                model["mass_matrix"] = "constant"
            architecture_class = MODELS[model.pop("kind")]
            variables = Variables(**_tuples(card["variables"]))
            architecture = architecture_class(variables=variables, **model)  # type: ignore[call-arg]
            check_shapes(architecture, arrays)
            return cls.built(
                architecture,
                {name: np.array(value, dtype=np.float64) for name, value in arrays.items()},
                coordinates=Coordinates.from_json(card["coordinates"]),
                integrator=integrator_from_json(card["integrator"]),
                dt=finite_number(card["dt"], "dt", above=0.0),
                card=checked_card(card.get("provenance")),
            )
        except Exception as error:  # whatever a card makes the classes do
            reason = error if isinstance(error, InputError) else repr(error)
            raise InputError(f"The card of {path} does not describe a world this release knows: {reason}") from None


def _on_numpy(parameters: Parameters) -> dict[str, np.ndarray]:
    """The arrays on NumPy, from any library and device; torch's without their gradients."""
    return {
        name: np.asarray(value.detach().cpu() if hasattr(value, "detach") else value)
        for name, value in parameters.items()
    }


def _clipped(v: Array, limits: tuple[float, ...]) -> Array:
    """Velocities ``(..., n)`` clipped to plus or minus their limits."""
    if len(set(limits)) == 1:
        return v.clip(-limits[0], limits[0])
    xp = namespace(v)
    return xp.stack([xp.clip(v[..., i], -limit, limit) for i, limit in enumerate(limits)], axis=-1)


def _tuples(data: Mapping[str, Any]) -> dict[str, Any]:
    return {key: tuple(value) if isinstance(value, list) else value for key, value in data.items()}
