"""Derivatives of the residuals of multiple shooting by all that moves them, one step after the other.

A state has few entries and a model many parameters, so that the derivatives of all steps are computed in reverse mode,
row by row and all together, and carried on by the chain rule: x' = F(x, theta) gives dx'/dtheta = F_x dx/dtheta +
F_theta. Source: Hairer, Norsett and Wanner, *Solving Ordinary Differential Equations I*, 1993, section I.14.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Protocol

import torch

from hnn_gym.coordinates import Coordinates
from hnn_gym.physics.phase import split
from hnn_gym.training.least_squares import SCRIPTED, Linear, Tensors
from hnn_gym.training.terms import Correction, Terms
from hnn_gym.worlds.devices import on_numpy
from hnn_gym.worlds.world_model import WorldModel

_CHUNK = 30_000_000
"""Derivatives of states that are computed at a time."""


class ShootingFit(Protocol):
    """What is needed of the objective of a shooting fit: :class:`hnn_gym.training.objective.Objective`."""

    coordinates: Coordinates
    correction: Correction | None
    units: torch.Tensor
    observation: torch.Tensor
    seen: torch.Tensor
    count: int
    action: torch.Tensor
    duration: torch.Tensor | None
    steps: torch.Tensor
    joined: torch.Tensor

    @property
    def weight_of_a_gap(self) -> float:
        """The factor of the square of an entry of a gap."""

    def model_parameters(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """Those of the model alone."""

    def world(self, parameters: Mapping[str, Any]) -> WorldModel:
        """The world of a model's parameters."""

    def moved(self, world: WorldModel, starts: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """The states through which it passes in all windows."""

    def terms(self, parameters: Tensors, *, moved: tuple[torch.Tensor, torch.Tensor]) -> Terms:
        """The errors and gaps of these states."""

    def between(self, shown: torch.Tensor, observation: torch.Tensor) -> torch.Tensor:
        """The error of what a state shows."""

    def gap(self, end: tuple[torch.Tensor, torch.Tensor], begin: tuple[torch.Tensor, torch.Tensor]) -> torch.Tensor:
        """The gap between the end of a window and the beginning of the next."""


def linearised_windows(
    objective: ShootingFit, parameters: Tensors, starts: torch.Tensor, roots: torch.Tensor | None = None
) -> Linear:
    """Errors and gaps of the windows of a shooting fit with their derivatives; what decays is not among them.

    Args:
        objective: of the fit, whose scheme does not iterate.
        parameters: of the model, and of the correction if there is one.
        starts: of the windows ``(N, 2n)``, in their units.
        roots: factors of the errors of every moment ``(N, k + 1, 1)``; None: 1.
    """
    model, correction = objective.model_parameters(parameters), objective.correction
    with torch.no_grad():
        world = objective.world(model)
        moved = objective.moved(world, starts)
        terms, path = objective.terms(parameters, moved=moved), world.phase_point(*moved)
        observation = objective.observation if correction is None else correction(parameters[correction.name])
        size = sum(value.numel() for value in model.values())
        pieces = [_windows(objective, model, starts, path, observation, rows) for rows in _chunks(path.shape, size)]
        errors, ends, begins = (torch.cat(parts) for parts in zip(*pieces, strict=True))
        factor = objective.seen.to(path) / math.sqrt(objective.count)
        factor = factor if roots is None else factor * roots
        r = [(factor * terms.errors[0]).flatten(1)]
        of_errors = (factor[..., None] * errors).flatten(1, 2)
        by_amounts = of_errors[..., :0]
        if correction is not None:
            at, amounts = world.decode(path), parameters[correction.name]
            with warnings.catch_warnings():
                warnings.filterwarnings("ignore", SCRIPTED, DeprecationWarning)
                bent = torch.func.jacfwd(lambda amounts: objective.between(at, correction(amounts)))(amounts)
            by_amounts = (factor[..., None] * bent.flatten(3)).flatten(1, 2)
        J, own = [torch.cat([of_errors[..., :size], by_amounts], dim=2)], [of_errors[..., size:]]
        after = [torch.zeros_like(own[0])]
        if terms.gaps is not None:
            weight = math.sqrt(objective.weight_of_a_gap)
            r.append(weight * terms.gaps)
            of_end, of_begin = (weight * part for part in _gaps(objective, model, path, ends, begins))
            nothing = of_end.new_zeros(*of_end.shape[:2], by_amounts.shape[2])
            J.append(torch.cat([(of_end + of_begin)[..., :size], nothing], dim=2))
            own.append(of_end[..., size:])
            after.append(of_begin[..., size:])
    return Linear(
        on_numpy(torch.cat(r, dim=1)),
        on_numpy(torch.cat(J, dim=1).flatten(0, 1)),
        on_numpy(torch.cat(own, dim=1)),
        None if terms.gaps is None else on_numpy(torch.cat(after, dim=1)),
    )


def _windows(
    objective: ShootingFit,
    model: Tensors,
    starts: torch.Tensor,
    path: torch.Tensor,
    observation: torch.Tensor,
    rows: slice,
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Derivatives of some windows by the model's parameters and then by the start of each.

    Returns:
        Those of the errors ``(M, k + 1, d, P + 2n)``, and of the states at the end and at the beginning
        ``(M, 2n, P + 2n)``.
    """
    units, controls = objective.units, bool(objective.coordinates.controls)
    path, inputs = path[rows], [objective.action[rows]]
    if objective.duration is not None:
        inputs.append(objective.duration[rows])

    def placed(model: Tensors, start: torch.Tensor) -> torch.Tensor:
        return objective.world(model).phase_point(*split(start * units))

    def stepped(model: Tensors, x: torch.Tensor, action: torch.Tensor, *duration: torch.Tensor) -> torch.Tensor:
        world = objective.world(model)
        return world.step(x, action if controls else None, duration=duration[0] if duration else None)

    def error(model: Tensors, x: torch.Tensor, observation: torch.Tensor) -> torch.Tensor:
        return objective.between(objective.world(model).decode(x), observation)

    states = [torch.cat(_by_row(placed, model, starts[rows]), dim=-1)]
    steps = _by_row(stepped, model, path[:, :-1].flatten(0, 1), *(values.flatten(0, 1) for values in inputs))
    by_model, by_state = (slopes.unflatten(0, inputs[0].shape[:2]) for slopes in steps)
    for here, through in zip(by_model.unbind(1), by_state.unbind(1), strict=True):
        states.append(_chained(here, through, states[-1]))
    along = torch.stack(states, dim=1)
    shown = _by_row(error, model, path.flatten(0, 1), observation[rows].flatten(0, 1))
    by_model, by_state = (slopes.unflatten(0, path.shape[:2]) for slopes in shown)
    last = objective.steps[rows]
    return (
        _chained(by_model, by_state, along),
        along[torch.arange(len(last), device=last.device), last],
        along[:, 0].clone(),
    )


def _gaps(
    objective: ShootingFit, model: Tensors, path: torch.Tensor, ends: torch.Tensor, begins: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """Derivatives of the gaps ``(N, g, P + 2n)`` through the end of each window and through the start of the next.

    The last window has none, and zeros.
    """

    def gap(model: Tensors, end: torch.Tensor, begin: torch.Tensor) -> torch.Tensor:
        world = objective.world(model)
        return objective.gap(world.state(end), world.state(begin))

    rows = torch.arange(len(path) - 1, device=path.device)
    at_end = path[rows, objective.steps[:-1]]
    by_model, by_end, by_begin = _by_row(gap, model, at_end, path[1:, 0], states=2)
    joined = objective.joined[..., None]
    parts = joined * _chained(by_model, by_end, ends[:-1]), joined * (by_begin @ begins[1:])
    of_end, of_begin = (torch.cat([part, torch.zeros_like(part[:1])]) for part in parts)
    return of_end, of_begin


def _by_row(
    function: Callable[..., torch.Tensor], model: Tensors, *rows: torch.Tensor, states: int = 1
) -> tuple[torch.Tensor, ...]:
    """Derivatives of a function of one row, for all rows.

    Args:
        function: (parameters, an entry of each of the rows) -> ``(o,)``.
        model: the parameters by name.
        rows: arrays ``(M, ...)``, states first.
        states: how many of them are states.

    Returns:
        Derivatives by the parameters ``(M, o, P)``, in their order, and by the states ``(M, o, 2n)``.
    """
    slopes = torch.func.jacrev(function, argnums=tuple(range(1 + states)))
    with warnings.catch_warnings():
        # Some operations have no rule of their own for batches, and torch warns that a loop is slower.
        warnings.filterwarnings("ignore", "There is a performance drop")
        by_name, *by_rows = torch.vmap(lambda *row: slopes(dict(model), *row))(*rows)
    return torch.cat([columns.flatten(2) for columns in by_name.values()], dim=2), *by_rows


def _chained(by_model: torch.Tensor, by_state: torch.Tensor, states: torch.Tensor) -> torch.Tensor:
    """Derivatives ``(..., P + 2n)`` of what depends on the model ``(..., P)`` and on states that do."""
    found = by_state @ states
    found[..., : by_model.shape[-1]] += by_model
    return found


def _chunks(shape: torch.Size, parameters: int) -> Iterator[slice]:
    """Windows whose derivatives are computed at a time."""
    count, moments, states = shape
    many = max(_CHUNK // (moments * states * parameters), 1)
    return (slice(first, first + many) for first in range(0, count, many))
