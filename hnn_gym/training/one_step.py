"""Fit a model to single steps by Levenberg-Marquardt, through the scheme that made them.

The residuals of a step are the errors of [q', v'] in units of their typical changes. They depend on one row of the data
each, so that the Jacobian is computed row by row in reverse mode: 2n pull-backs through one step instead of a push for
every parameter, which for some hundred parameters is ten to fifty times quicker. Only as many substeps as needed are
differentiated.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import torch

from hnn_gym.errors import ConvergenceError
from hnn_gym.models import Architecture, Variables
from hnn_gym.models.port import network_weights
from hnn_gym.physics.dynamics import PortHamiltonian
from hnn_gym.physics.integrators import Integrator
from hnn_gym.physics.phase import join
from hnn_gym.training.equation_error import row_weights
from hnn_gym.training.least_squares import LeastSquaresSettings, Tensors, least_squares
from hnn_gym.training.needed_terms import SHARE, TERMS, needed_terms
from hnn_gym.training.single_steps import one_step_errors, scheme_of_slopes, stepped
from hnn_gym.training.transitions import Transitions, turn

_POSITIVE = ("damping.log", "dry.log", "rotors.log", "drag.linear.log", "drag.quadratic.log")
"""Coefficients that are kept as logarithms, and fitted as they are."""
NEAR_THE_END = 1e-9
"""Damping of a fit that begins near its end: damped more, it is slow where polynomials are nearly dependent."""
_SMALL_GAIN = 1e-5
"""Relative decrease that counts in a fit that begins near its end."""


@dataclass(frozen=True)
class OneStepSettings:
    """Settings of a fit."""

    steps: int = 60
    """Accepted steps of Levenberg-Marquardt, at the most."""
    rows: int = 300
    """Rows of the data to begin with."""
    most_rows: int = 2000
    """Rows that are fitted in the end, at the most."""
    decay: float = 1e-15
    """Weight decay of the networks."""
    residual_penalty: float = 0.0
    """Of the mean square of the residual force in units of the forces."""
    gain: float = 1e-3
    """Relative decrease of the sum of squares below which a step does not count."""
    patience: int = 4
    """Stop after so many steps that do not count."""
    damping: float = 1e-3
    """Of the first step of Levenberg-Marquardt."""
    keep_zeros: bool = False
    """Leave parameters at 0 that are 0 at the start: terms that the model does without."""
    seconds: float = 15.0
    """What a fit of a large model may take, by which :func:`hnn_gym.training.effort.affordable` cuts rows and steps."""
    seed: int = 0
    """Draws the rows that are fitted."""

    def continued(self, steps: int) -> OneStepSettings:
        """Settings of a fit that begins where another one ended: all rows from the first step, and small gains count.

        With the few rows of the first stages it would lose what the other fit had found, and with much damping it would
        take many steps along combinations of parameters that the data determine less well than others.
        """
        return replace(self, steps=steps, rows=self.most_rows, gain=_SMALL_GAIN, damping=NEAR_THE_END)

    def stages(self, rows: np.ndarray) -> list[tuple[np.ndarray, int]]:
        """Which rows are fitted with how many steps: few rows until the errors show which of them count, then all."""
        few = rows[: self.rows]
        quarter = self.steps // 4
        return [(few, quarter), (few, quarter), (few, quarter), (rows, self.steps - 3 * quarter)]


def fit_one_step(
    architecture: Architecture,
    scheme: Integrator,
    data: Transitions,
    start: Mapping[str, np.ndarray],
    *,
    settings: OneStepSettings | None = None,
) -> dict[str, np.ndarray]:
    """Fit the parameters of a model to free steps.

    Args:
        architecture: the model.
        scheme: the scheme, which has to fit the dynamics.
        data: the steps; those that met a limit are left out, but for stops that give way.
        start: parameters to start from.
        settings: of the fit.

    Raises:
        ConvergenceError: the errors at the start are not finite.
    """
    settings = settings or OneStepSettings()
    free = np.random.default_rng(settings.seed).permutation(np.flatnonzero(data.smooth))[: settings.most_rows]
    parameters = {name: np.asarray(value, np.float64) for name, value in start.items()}
    used = {name: parameters[name] != 0 for name in TERMS if settings.keep_zeros and name in parameters}
    for rows, steps in settings.stages(free):
        problem = _Problem(architecture, scheme, data.take(rows), data.change, parameters, settings=settings, used=used)
        parameters = least_squares(
            problem.residual,
            _linear(parameters),
            settings=LeastSquaresSettings(
                steps=steps, gain=settings.gain, patience=settings.patience, damping=settings.damping
            ),
            jacobian=problem.jacobian,
        )
        parameters = _positive(parameters, architecture.variables)
    return parameters


def without_needless_terms(
    architecture: Architecture,
    scheme: Integrator,
    data: Transitions,
    parameters: Mapping[str, np.ndarray],
    *,
    settings: OneStepSettings,
    share: float = SHARE,
) -> dict[str, np.ndarray]:
    """The parameters of a fit with 0 for the terms that the data do not need, see :mod:`.needed_terms`.

    Args:
        architecture: the model.
        scheme: the scheme that it was fitted through.
        data: the steps that it was fitted to.
        parameters: the result of the fit.
        settings: of the fit.
        share: of the sum of squares that a term has to be worth.
    """
    free = np.random.default_rng(settings.seed).permutation(np.flatnonzero(data.smooth))[: settings.most_rows]
    problem = _Problem(architecture, scheme, data.take(free), data.change, parameters, settings=settings, used={})
    linear = _linear(parameters)
    values = {name: torch.tensor(value) for name, value in linear.items()}
    with torch.no_grad():
        r = problem.residual(values).numpy()
    return _positive(needed_terms(linear, r, problem.jacobian(values).numpy(), share=share), architecture.variables)


def _linear(parameters: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Parameters with coefficients in place of their logarithms, which once far below 0 would not move any more."""
    return {
        name.removesuffix(".log") if name in _POSITIVE else name: np.exp(value) if name in _POSITIVE else value
        for name, value in parameters.items()
    }


def _positive(parameters: Mapping[str, np.ndarray], variables: Variables) -> dict[str, np.ndarray]:
    """The logarithms again; what came out negative is next to nothing."""
    found = dict(parameters)
    for name in _POSITIVE:
        value = found.pop(name.removesuffix(".log"), None)
        if value is not None:
            scales = np.array(variables.acceleration_scales)
            least = 1e-12 * (scales if value.shape == scales.shape else scales.mean())
            found[name] = np.log(np.maximum(value, least))
    return found


class _Problem:
    """Residuals and Jacobian of all rows, with the penalties of the parameters."""

    def __init__(
        self,
        architecture: Architecture,
        scheme: Integrator,
        data: Transitions,
        unit: np.ndarray,
        parameters: Mapping[str, np.ndarray],
        *,
        settings: OneStepSettings,
        used: Mapping[str, np.ndarray],
    ) -> None:
        dynamics = architecture.build(parameters)
        # Contacts and readings that saturate are steps that no smooth model explains: they lose their weight.
        weights = row_weights(one_step_errors(dynamics, scheme, data))
        self._architecture, self._scheme, self._settings = architecture, scheme, settings
        self._slopes = scheme_of_slopes(dynamics, scheme, data)
        self._used = {name: torch.tensor(entries, dtype=torch.float64) for name, entries in used.items()}
        self._angles = data.angles
        if not weights.any():
            raise ConvergenceError("The model errs infinitely in every step at the start of its fit.")
        roots = np.sqrt(weights / weights.mean())[:, None]
        self._dt = data.dt
        columns = [data.q, data.v, data.u, data.next_q, data.next_v, roots]
        columns += [] if data.duration is None else [data.duration]
        self._rows = tuple(torch.tensor(part) for part in columns)
        self._factor = torch.tensor(data.seen / (unit * math.sqrt(len(data) * data.seen.sum())))
        scale = np.array(architecture.variables.acceleration_scales)
        self._penalty = torch.tensor(math.sqrt(settings.residual_penalty / (len(data) * len(scale))) / scale)

    def residual(self, parameters: Tensors) -> torch.Tensor:
        rows = torch.vmap(lambda *row: self._row(parameters, self._scheme, *row))(*self._rows)
        return torch.cat([rows.reshape(-1), self._weights(parameters)])

    def jacobian(self, parameters: Tensors) -> torch.Tensor:
        with warnings.catch_warnings():
            # Some operations have no rule of their own for batches, and torch warns that a loop is slower.
            warnings.filterwarnings("ignore", "There is a performance drop")
            slopes = torch.func.jacrev(self._row)
            rows = torch.vmap(lambda *row: slopes(parameters, self._slopes, *row))(*self._rows)
        count = len(self._rows[0])
        by_rows = torch.cat([columns.reshape(count * columns.shape[1], -1) for columns in rows.values()], dim=1)
        by_weights = torch.func.jacrev(self._weights)(parameters)
        return torch.cat([by_rows, torch.cat([columns.flatten(1) for columns in by_weights.values()], dim=1)])

    def _row(self, parameters: Tensors, scheme: Integrator, *row: torch.Tensor) -> torch.Tensor:
        q, v, u, next_q, next_v, root, *own = row
        used = {name: parameters[name] * entries for name, entries in self._used.items()}
        dynamics = self._architecture.build({**parameters, **used})
        found_q, found_v = stepped(dynamics, scheme, q, v, u, dt=own[0] if own else self._dt)
        error = join(turn(found_q - next_q, self._angles), found_v - next_v) * self._factor * root
        if not self._settings.residual_penalty:
            return error
        assert isinstance(dynamics, PortHamiltonian)
        push = sum(force(q, v, u) for force in dynamics.forces)
        inertia = dynamics.momentum(q, v * 0 + 1) - dynamics.momentum(q, v * 0)
        return torch.cat([error, self._penalty * push / inertia])

    def _weights(self, parameters: Tensors) -> torch.Tensor:
        weights = [weight.reshape(-1) for weight in network_weights(parameters).values()]
        return math.sqrt(self._settings.decay) * torch.cat([self._factor.new_zeros(0), *weights])
