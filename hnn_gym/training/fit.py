"""Fit a model to windows: Adam, L-BFGS (SciPy's), Levenberg-Marquardt, in float64, resumable from plain arrays."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sized
from dataclasses import dataclass, field
from functools import partial
from typing import Literal, Protocol

import numpy as np
import torch
from scipy.optimize import minimize

from hnn_gym.errors import ConvergenceError
from hnn_gym.training.least_squares import (
    LeastSquaresSettings,
    Linearisation,
    Residual,
    Together,
    check_size,
    least_squares,
)
from hnn_gym.training.settings import FitSettings
from hnn_gym.worlds.devices import on_numpy


class Fittable(Protocol):
    """What a fit minimises, such as an :class:`hnn_gym.training.Objective`."""

    settings: FitSettings
    device: torch.device

    @property
    def windows(self) -> Sized:
        """The windows whose errors are minimised."""

    @property
    def local(self) -> str | None:
        """Name of the array of the parameters that has one row for every window; None: there is none."""

    @property
    def chained(self) -> bool:
        """Whether a row of that array moves the residuals of the window before as well."""

    @property
    def scaling(self) -> Literal["marquardt", "levenberg"]:
        """How Levenberg-Marquardt damps the parameters, see :class:`LeastSquaresSettings`."""

    @property
    def differences(self) -> bool:
        """Whether it takes central differences instead of exact derivatives."""

    @property
    def underdetermined(self) -> bool:
        """Whether steps of Levenberg-Marquardt have as many equations as there are data, and not as parameters."""

    @property
    def together(self) -> Together | None:
        """Residuals of several sets of parameters, see :func:`least_squares`; None: one after the other."""

    def initial_parameters(self) -> dict[str, np.ndarray]:
        """Where a fit begins."""

    def __call__(
        self, parameters: Mapping[str, torch.Tensor], batch: torch.Tensor | None = None
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Return (objective, loss) on all windows, or on the windows with the given indices."""

    def linearised_by_member(self) -> tuple[Linearisation | None, ...]:
        """For each of these functions one that computes the derivatives too; None: they are found from the function."""

    def residuals_by_member(self) -> tuple[Residual, ...]:
        """Functions to residuals whose sums of squares add up to the objective on all windows.

        There is one function of all the parameters; or one for each member, of its entries along the leading axis that
        all arrays then have.
        """


Stage = Literal["adam", "lbfgs", "least-squares", "stream", "final"]
STAGES: tuple[Stage, ...] = ("adam", "lbfgs", "least-squares", "stream", "final")


@dataclass(frozen=True)
class Progress:
    """One report of a running fit."""

    stage: Stage
    step: int
    total: int
    objective: float
    loss: float
    held_out: float | None = None


@dataclass
class FitState:
    """All that a fit needs to continue from where it was, on any device.

    Attributes:
        parameters: current arrays by name.
        adam_step: steps of Adam done.
        first_moments: Adam's running means of the gradient.
        second_moments: Adam's running means of its square.
        lbfgs_step: iterations of L-BFGS done.
        least_squares_step: steps of Levenberg-Marquardt done.
        round: which of :meth:`FitSettings.rounds` is fitted, counted from 0.
        stage: which method is running. L-BFGS and Levenberg-Marquardt remember their last steps, and that memory is not
            kept: a fit that is continued in their stage repeats it from its beginning, to the same bits.
        stage_start: the parameters with which a stage of L-BFGS or Levenberg-Marquardt began, by name.
        stream_step: minibatches of a recording larger than memory done.
        kept: from these minibatches on, the parameters that predict held-out episodes best.
        start: which of several starts is fitted from, counted from 0.
        best: the end with the least objective of the starts before; empty: there is none.
    """

    parameters: dict[str, np.ndarray]
    adam_step: int = 0
    first_moments: dict[str, np.ndarray] = field(default_factory=dict)
    second_moments: dict[str, np.ndarray] = field(default_factory=dict)
    lbfgs_step: int = 0
    least_squares_step: int = 0
    round: int = 0
    stage: Stage = "adam"
    stage_start: dict[str, np.ndarray] = field(default_factory=dict)
    stream_step: int = 0
    kept: dict[str, np.ndarray] = field(default_factory=dict)
    start: int = 0
    best: dict[str, np.ndarray] = field(default_factory=dict)


FitReport = Callable[[Progress, FitState], None]
"""Called after every step; what it raises stops the fit and reaches the caller."""


def fit(objective: Fittable, *, state: FitState | None = None, report: FitReport | None = None) -> FitState:
    """Minimise the objective.

    Args:
        objective: data, model and settings.
        state: where to continue, which leads to the same bits as a fit without interruption; None: at the beginning.
        report: called after every step.

    Returns:
        The final state; its ``parameters`` build the model.

    Raises:
        InputError: the model has too many parameters for least-squares steps.
        ConvergenceError: the loss became NaN or infinite, or an implicit step has no solution.
    """
    if state is None:
        state = FitState(objective.initial_parameters())
    if objective.settings.least_squares_steps and not objective.underdetermined:
        shared = sum(value.size for name, value in state.parameters.items() if name != objective.local)
        check_size(shared // len(objective.residuals_by_member()))
    if state.stage == "lbfgs":
        state.parameters, state.lbfgs_step = state.stage_start, 0
    elif state.stage == "least-squares":
        state.parameters, state.least_squares_step = state.stage_start, 0
    place = objective.device
    tensors = {name: torch.tensor(v, device=place, requires_grad=True) for name, v in state.parameters.items()}
    if state.stage == "adam":
        _adam(objective, tensors, state, report)
    if state.stage != "least-squares":
        _begin(state, "lbfgs")
        _lbfgs(objective, tensors, state, report)
    _begin(state, "least-squares")
    _least_squares(objective, state, report)
    return state


def _begin(state: FitState, stage: Stage) -> None:
    state.stage, state.stage_start = stage, dict(state.parameters)


def _adam(objective: Fittable, tensors: dict[str, torch.Tensor], state: FitState, report: FitReport | None) -> None:
    settings = objective.settings
    optimizer = torch.optim.Adam(tensors.values(), lr=settings.learning_rate)
    for name, tensor in tensors.items():
        if name in state.first_moments:
            optimizer.state[tensor] = {
                "step": torch.tensor(float(state.adam_step)),  # on the CPU, as torch keeps it
                "exp_avg": torch.tensor(state.first_moments[name], device=tensor.device),
                "exp_avg_sq": torch.tensor(state.second_moments[name], device=tensor.device),
            }
    while state.adam_step < settings.adam_steps:
        fraction = state.adam_step / settings.adam_steps
        optimizer.param_groups[0]["lr"] = settings.learning_rate * (0.55 + 0.45 * np.cos(np.pi * fraction))
        optimizer.zero_grad()
        value, loss = objective(tensors, _batch(objective, state.adam_step))
        _check(value, "Adam", state.adam_step)
        value.backward()
        optimizer.step()
        state.adam_step += 1
        state.parameters = {name: on_numpy(tensor).copy() for name, tensor in tensors.items()}
        moments = {name: optimizer.state[tensor] for name, tensor in tensors.items() if optimizer.state[tensor]}
        state.first_moments = {name: on_numpy(entry["exp_avg"]).copy() for name, entry in moments.items()}
        state.second_moments = {name: on_numpy(entry["exp_avg_sq"]).copy() for name, entry in moments.items()}
        if report is not None:
            report(Progress("adam", state.adam_step, settings.adam_steps, value.item(), loss.item()), state)


def _batch(objective: Fittable, step: int) -> torch.Tensor | None:
    """Windows of one step of Adam, a function of seed and step so that a resumed fit draws the same ones."""
    settings = objective.settings
    if settings.batch_size is None or settings.batch_size >= len(objective.windows):
        return None
    rng = np.random.default_rng([settings.seed, step])
    chosen = rng.choice(len(objective.windows), settings.batch_size, replace=False)
    return torch.tensor(chosen, device=objective.device)


def _lbfgs(objective: Fittable, tensors: dict[str, torch.Tensor], state: FitState, report: FitReport | None) -> None:
    steps = objective.settings.lbfgs_steps
    if not steps:
        return
    sizes = [tensor.numel() for tensor in tensors.values()]
    last: list[float] = [np.nan, np.nan]
    accepted = np.nan

    def pieces(flat: np.ndarray) -> Iterator[tuple[str, np.ndarray]]:
        parts = np.split(flat, np.cumsum(sizes)[:-1])
        for (name, tensor), part in zip(tensors.items(), parts, strict=True):
            yield name, part.reshape(tuple(tensor.shape))

    def evaluate(flat: np.ndarray) -> tuple[float, np.ndarray]:
        with torch.no_grad():
            for name, part in pieces(flat):
                tensors[name].copy_(torch.tensor(part))
        value, loss = objective(tensors)
        gradients = torch.autograd.grad(value, list(tensors.values()), allow_unused=True, materialize_grads=True)
        flat_gradient = np.concatenate([on_numpy(gradient).ravel() for gradient in gradients])
        if not (bool(torch.isfinite(value)) and np.isfinite(flat_gradient).all()):
            raise ConvergenceError("The loss is not finite after Adam: lower learning_rate or horizon.")
        last[:] = value.item(), loss.item()
        return last[0], flat_gradient

    def evaluate_or_step_back(flat: np.ndarray) -> tuple[float, np.ndarray]:
        # A line search may try a point where the rollout overflows or an implicit step has no solution. A value of ten
        # times the last accepted one makes it interpolate back; with a huge one its arithmetic would lose all digits.
        try:
            return evaluate(flat)
        except ConvergenceError:
            return 10 * abs(accepted) + 1e-300, np.zeros_like(flat)

    def after_iteration(flat: np.ndarray) -> None:
        nonlocal accepted
        accepted = last[0]
        state.lbfgs_step += 1
        state.parameters = {name: part.copy() for name, part in pieces(flat)}
        if report is not None:
            report(Progress("lbfgs", state.lbfgs_step, steps, last[0], last[1]), state)

    start = np.concatenate([on_numpy(tensor).ravel() for tensor in tensors.values()])
    accepted, _ = evaluate(start)
    options = {"maxiter": steps, "maxfun": 3 * steps, "ftol": 0.0, "gtol": 1e-12, "maxcor": 30}
    result = minimize(
        evaluate_or_step_back, start, jac=True, method="L-BFGS-B", callback=after_iteration, options=options
    )
    state.parameters = {name: part.copy() for name, part in pieces(result.x)}


def _least_squares(objective: Fittable, state: FitState, report: FitReport | None) -> None:
    total = objective.settings.least_squares_steps
    if not total:
        return

    def after_step(_: int, squares: float, arrays: dict[str, np.ndarray]) -> None:
        state.least_squares_step += 1
        state.parameters = arrays
        if report is not None:
            report(Progress("least-squares", state.least_squares_step, total, squares, squares), state)

    settings = LeastSquaresSettings(steps=total, scaling=objective.scaling, differences=objective.differences)
    minimise = partial(
        least_squares,
        local=objective.local,
        chained=objective.chained,
        together=objective.together,
        settings=settings,
        device=objective.device,
    )
    members = list(zip(objective.residuals_by_member(), objective.linearised_by_member(), strict=True))
    if len(members) == 1:
        residual, linearised = members[0]
        state.parameters = minimise(residual, state.parameters, linearised=linearised, report=after_step)
        return
    # Each member has a Jacobian of its own: together they would be as many times as wide.
    fitted = [
        minimise(residual, {name: value[i] for name, value in state.parameters.items()}, linearised=linearised)
        for i, (residual, linearised) in enumerate(members)
    ]
    state.parameters = {name: np.stack([arrays[name] for arrays in fitted]) for name in state.parameters}
    state.least_squares_step = total


def _check(value: torch.Tensor, stage: str, step: int) -> None:
    if not bool(torch.isfinite(value)):
        raise ConvergenceError(
            f"The loss became {value.item()} in step {step} of {stage}: lower learning_rate or horizon."
        )
