"""The motion of many windows under many sets of parameters at once, by traced code on NumPy.

Derivatives by differences need the same windows for some ten slightly different models. A model of some ten numbers
takes a hundred operations on two or three numbers a step, which PyTorch spends a hundred times as long to begin as to
compute. So the step is traced with the parameters as an input beside the state (:mod:`hnn_gym.trace`), and one
operation of the traced code computes all windows of all models.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from hnn_gym.coordinates import Coordinates
from hnn_gym.models import Architecture
from hnn_gym.physics.integrators import Integrator
from hnn_gym.physics.phase import join, split
from hnn_gym.trace import NotTraceable, batch_code, trace
from hnn_gym.worlds.world_model import WorldModel


class TracedMotion:
    """States of windows, as a function of parameters and starts."""

    def __init__(
        self,
        architecture: Architecture,
        shapes: Mapping[str, tuple[int, ...]],
        *,
        coordinates: Coordinates,
        integrator: Integrator,
        dt: float,
    ) -> None:
        """Trace the step of a model.

        Args:
            architecture: of the model.
            shapes: of its parameters, by name.
            coordinates: what the actions are.
            integrator: the scheme.
            dt: time step in s.

        Raises:
            NotTraceable: the step branches on values, iterates until they say so, or has no traced form.
        """
        self._shapes, self._dt, self._n = dict(shapes), dt, coordinates.n
        self._bounds = np.cumsum([0, *(int(np.prod(shape)) for shape in shapes.values())])

        def world(theta: Any) -> WorldModel:
            pieces = zip(self._shapes.items(), self._bounds[:-1], self._bounds[1:], strict=True)
            parameters = {name: np.reshape(theta[a:b], shape) for (name, shape), a, b in pieces}
            return WorldModel(coordinates, architecture.build(parameters), integrator, dt)

        def begun(theta: Any, s: Any) -> dict[str, Any]:
            return {"x": world(theta).phase_point(*split(s))}

        def moved(theta: Any, x: Any, action: Any, duration: Any) -> dict[str, Any]:
            model = world(theta)
            after = model.step(x, action if coordinates.controls else None, duration=duration[0])
            return {"x": after, "s": join(*model.state(after))}

        size, controls = int(self._bounds[-1]), len(coordinates.controls)
        try:
            self._begun = trace(begun, theta=size, s=2 * self._n)
            self._moved = trace(moved, theta=size, x=2 * self._n, action=controls, duration=1)
        except (AttributeError, TypeError) as error:  # a model may use what only arrays have
            raise NotTraceable(str(error)) from error
        if self._moved.loops:
            raise NotTraceable("an implicit scheme")
        self._compiled: dict[int, tuple[Callable[..., None], Callable[..., None]]] = {}

    def __call__(
        self,
        parameters: Mapping[str, np.ndarray],
        starts: np.ndarray,
        action: np.ndarray,
        duration: np.ndarray | None = None,
    ) -> np.ndarray:
        """Return the states [q, v] ``(B, N, k + 1, 2n)`` of N windows under B sets of parameters.

        Args:
            parameters: by name, each with B in front.
            starts: states [q, v] ``(B, N, 2n)``.
            action: ``(N, k, m)``.
            duration: of the steps in s ``(N, k)``; None: all take the time step.
        """
        sets, windows = starts.shape[:2]
        rows, steps = sets * windows, action.shape[1]
        if rows not in self._compiled:
            self._compiled[rows] = tuple(  # type: ignore[assignment]
                batch_code.compiled(program, rows, np.float64) for program in (self._begun, self._moved)
            )
        begin, move = self._compiled[rows]
        flat = np.concatenate([parameters[name].reshape(sets, -1) for name in self._shapes], axis=1)
        theta = np.asfortranarray(np.repeat(flat, windows, axis=0))
        s = np.asfortranarray(starts.reshape(rows, -1))
        x = np.empty_like(s)
        states = np.empty((steps + 1, rows, s.shape[1]))
        states[0] = s
        begin(theta, s, x)
        actions = np.tile(action.transpose(1, 0, 2), (1, sets, 1))
        durations = np.full((steps, windows, 1), self._dt) if duration is None else duration.T[..., None]
        durations = np.tile(durations, (1, sets, 1))
        after = np.empty_like(x)
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
            for k in range(steps):
                move(theta, x, np.asfortranarray(actions[k]), durations[k], after, s)
                states[k + 1] = s
                x, after = after, x
        return np.moveaxis(states.reshape(steps + 1, sets, windows, -1), 0, 2)
