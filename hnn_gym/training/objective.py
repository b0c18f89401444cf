"""The objective of a fit as a function of one dict of torch tensors.

    objective = mean square of the errors + w mean square of the gaps + decay sum of squared weights

An error is (what the model shows - what was observed) / scale, at every moment and entry that was observed. With
multiple shooting a gap is what a window ends with minus what the next one begins with, in the same units.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any, Literal

import numpy as np
import torch

from hnn_gym.coordinates import Coordinates
from hnn_gym.data import Windows
from hnn_gym.errors import InputError, checked_arguments
from hnn_gym.models import Architecture, MechanicalHNN, PlanarChainHNN
from hnn_gym.models.architecture import RATIOS, Parameters
from hnn_gym.models.port import network_weights, weights_per_inertia
from hnn_gym.physics.integrators import Integrator
from hnn_gym.trace import NotTraceable
from hnn_gym.training.chain_guess import chain_guess
from hnn_gym.training.dual_form import MOST_ENTRIES, DualForm
from hnn_gym.training.initial_guess import quiet, rough_log_inertia
from hnn_gym.training.least_squares import (
    Linear,
    Linearisation,
    Problem,
    Residual,
    Tensors,
    Together,
    degrees_of_freedom,
)
from hnn_gym.training.losses import derivative_residuals, prediction_residual, shooting_states
from hnn_gym.training.sensitivities import linearised_windows
from hnn_gym.training.settings import FitSettings
from hnn_gym.training.starting_point import StartingPoint, steps_of
from hnn_gym.training.terms import Correction, Terms
from hnn_gym.training.traced_motion import TracedMotion
from hnn_gym.training.windows import TrainingWindows
from hnn_gym.worlds.devices import checked_device, on_numpy
from hnn_gym.worlds.world_model import WorldModel

STARTS = "starts"
"""Name of the estimated initial states among the parameters of a shooting fit, with lengths in their unit."""


class Objective:
    """Windows of recorded data, ready to score parameters; in float64, but for minibatches (:meth:`on`)."""

    @checked_arguments
    def __init__(
        self,
        architecture: Architecture,
        coordinates: Coordinates,
        windows: TrainingWindows,
        *,
        integrator: Integrator,
        dt: float,
        settings: FitSettings,
        gap_weight: float = 0.0,
        correction: Correction | None = None,
        device: str | torch.device = "cpu",
    ) -> None:
        """Hold the windows on a device.

        Args:
            architecture: of the model.
            coordinates: what the observations and actions are.
            windows: what the model's motion is compared with; all but shooting need complete ones.
            integrator: the scheme that the loss goes through.
            dt: time step in s.
            settings: of the fit.
            gap_weight: of the mean square of the gaps between windows that follow each other, for shooting.
            correction: of the observations, for shooting; None: they are taken as they are.
            device: where the objective is computed.

        Raises:
            InputError: the observations do not fit the coordinates, or there is no such device.
        """
        size = windows.observation.shape[-1]
        if size != coordinates.observation_size:
            raise InputError(
                f"The observations have {size} entries, and the coordinates declare {coordinates.observation_size}."
            )
        self.device, self._dtype = checked_device(device), torch.float64
        self.architecture, self.settings, self.windows = architecture, settings, windows
        self.coordinates, self.gap_weight = coordinates, gap_weight if windows.joined.any() else 0.0
        self.integrator, self._dt, self.correction = integrator, dt, correction
        self.seen = torch.tensor(np.isfinite(windows.observation), device=self.device)
        self.count = int(self.seen.sum())
        self.observation = self._tensor(np.nan_to_num(windows.observation))
        self.action = self._tensor(windows.action)
        self.duration = None if windows.duration is None else self._tensor(windows.duration)
        self._scale = self._tensor(observation_scale(coordinates, windows.filled(coordinates)))
        self.joined = self._tensor(windows.joined[:-1, None])
        self.steps = torch.tensor(windows.steps, device=self.device)
        variables = architecture.variables
        self._units = np.tile(np.where(variables.angles, 1.0, variables.length_unit), 2)
        self.units = self._tensor(self._units)
        self._velocity_scale = self._tensor(variables.velocity_scales)
        self._acceleration_scale = self._tensor(variables.acceleration_scales)
        initial = architecture.initial_parameters(np.random.default_rng(0))
        self._shapes = {name: value.shape for name, value in initial.items()}

    @property
    def local(self) -> str | None:
        """Name of the array of the parameters that has one row for every window; None: there is none."""
        return STARTS if self.settings.loss == "shooting" else None

    @property
    def chained(self) -> bool:
        """Whether a start moves the residuals of the window before as well, which has to join it."""
        return self.gap_weight > 0

    @property
    def scaling(self) -> Literal["marquardt", "levenberg"]:
        """How Levenberg-Marquardt damps the parameters.

        Levenberg's damping limits the length of a step, so that noisy data cannot move parameters that they do not
        determine. Marquardt's limits every parameter by its own scale. A frame correction needs the latter: its
        amounts have units of their own, and steps of limited length move them and the velocities too slowly.
        """
        return "marquardt" if self._bent else "levenberg"

    @property
    def differences(self) -> bool:
        """Whether derivatives are differences: some ten numbers without networks act through long windows."""
        return self.settings.loss == "shooting" and not self.architecture.networks and not self._bent

    @property
    def _bent(self) -> bool:
        """Whether the observations have a correction whose amounts have units of their own."""
        return self.correction is not None and self.correction.own_units

    def initial_parameters(self, rng: np.random.Generator | None = None) -> dict[str, np.ndarray]:
        """The model's initial parameters, and the windows' first states where they are estimated.

        Args:
            rng: draws the weights; None: one of the seed of the settings.
        """
        rng = rng or np.random.default_rng(self.settings.seed)
        parameters = self.architecture.initial_parameters(rng)
        if isinstance(self.architecture, PlanarChainHNN):
            parameters = chain_guess(self.architecture, self.coordinates, self.windows, dt=self._dt)
        if self.settings.loss == "shooting":
            parameters = quiet(parameters)
            if "inertia.log" in parameters:
                guess = rough_log_inertia(self.coordinates, self.architecture.variables, self.windows, dt=self._dt)
                # Some models have one mass in common, others one for every degree of freedom.
                shared = parameters["inertia.log"].shape != guess.shape
                parameters["inertia.log"] = np.full(self._shapes["inertia.log"], guess.mean()) if shared else guess
            if RATIOS in parameters and isinstance(self.architecture, MechanicalHNN):
                # From equal masses a fit can end where motion that is not theirs explains short windows.
                steps, noisy = steps_of(self.windows, self.coordinates, dt=self._dt), any(self.coordinates.unobserved)
                start = StartingPoint(steps, self.architecture.variables, midpoint=True, noisy=noisy)
                (parameters,) = start.candidates(self.architecture, self.settings.seed)
            parameters[STARTS] = self.windows.states[:, 0] / self._units
        if self.correction is not None:
            parameters[self.correction.name] = self.correction.initial()
        return parameters

    def __call__(
        self, parameters: Mapping[str, torch.Tensor], batch: torch.Tensor | None = None
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Return (objective, loss) on all windows, or on the windows with the given indices."""
        return self.value_of(self.terms(parameters, batch))

    def on(self, windows: Windows, dtype: torch.dtype = torch.float64) -> Objective:
        """The same objective on other windows of the recording, with the same scales; not for shooting.

        Args:
            windows: of the same recording.
            dtype: of the numbers, and of the parameters that it takes.
        """
        other = copy.copy(self)
        other._dtype = dtype
        other.observation = other._tensor(windows.observation)
        other.action = other._tensor(self.coordinates.control_vector(windows.action))
        other.duration = None if windows.duration is None else other._tensor(windows.duration)
        for name in ("_scale", "_velocity_scale", "_acceleration_scale"):
            setattr(other, name, getattr(self, name).to(dtype))
        return other

    def _tensor(self, values: Sequence[float] | np.ndarray) -> torch.Tensor:
        return torch.tensor(np.asarray(values), dtype=self._dtype, device=self.device)

    def residuals_by_member(self) -> tuple[Residual, ...]:
        """One function to the residuals whose sum of squares is the objective on all windows."""
        return (lambda parameters: self.residuals_of(self.terms(parameters)),)

    def world(self, parameters: Parameters, *, card: Mapping[str, Any] | None = None) -> WorldModel:
        """The world of a model's parameters.

        Raises:
            InputError: they have other names or shapes than those of the model.
        """
        shapes = {name: tuple(value.shape) for name, value in parameters.items()}
        if shapes != self._shapes:
            raise InputError(
                f"The parameters {shapes} do not fit the model {self.architecture.kind!r}, whose are {self._shapes}."
            )
        return WorldModel.built(
            self.architecture,
            parameters,
            coordinates=self.coordinates,
            integrator=self.integrator,
            dt=self._dt,
            card=card,
        )

    def model_parameters(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """The parameters without those of the windows and the correction."""
        return {name: value for name, value in parameters.items() if name in self._shapes}

    def motion(self, parameters: Mapping[str, np.ndarray]) -> np.ndarray:
        """The states [q, v] ``(N, k + 1, 2n)`` through which the model passes in every window of a shooting fit."""
        with torch.no_grad():
            tensors = {name: self._tensor(value) for name, value in parameters.items()}
            world = self.world(self.model_parameters(tensors))
            states = on_numpy(torch.cat(self.moved(world, tensors[STARTS]), dim=-1)).copy()
        states[:, 0] = parameters[STARTS] * self._units
        return states

    def parameters_after(self, before: Objective, parameters: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Where a shooting fit begins after the fit of other windows of the same episodes.

        The model is what that fit has found. The windows begin in the motion that it has found, or at the recorded
        states where it has found none.

        Args:
            before: the objective that was fitted.
            parameters: what the fit has found.
        """
        motion = before.windows.at(before.motion(parameters), self.windows.episode, self.windows.begin)
        starts = np.where(np.isnan(motion), self.windows.states[:, 0], motion)
        carried = self.model_parameters(parameters) | {STARTS: starts / self._units}
        correction = self.correction
        if correction is None:
            return carried
        return carried | {correction.name: correction.carried(parameters[correction.name])}

    def sensor_noise(self, parameters: Mapping[str, np.ndarray]) -> list[float] | None:
        """Standard deviation of the noise of every observation entry ``(d,)``, in the entry's unit.

        It is the root mean square of the errors that a fit leaves, times sqrt(N / (N - p)), because a fit with p
        degrees of freedom follows a part of the noise of N numbers. What counts are the starts of windows that do not
        continue another one and, where the fit ended with Levenberg-Marquardt, the parameters as far as the data
        determine them. None: the starts of windows are not estimated.
        """
        if self.settings.loss != "shooting" or self.local is None:
            return None
        with torch.no_grad():
            terms = self.terms({name: self._tensor(value) for name, value in parameters.items()})
            (errors,) = terms.errors
            counts = self.seen.sum(dim=(0, 1))
            noise = on_numpy(((errors**2).sum(dim=(0, 1)) / counts).sqrt() * self._scale)
        begun = len(self.windows) - (int(self.windows.joined.sum()) if self.chained else 0)
        free = float(parameters[self.local].shape[1] * begun)
        if self.settings.least_squares_steps:
            free += self._degrees_of_freedom(parameters, terms)
        total = float(counts.sum())
        factor = math.sqrt(total / max(total - free, 1.0))
        return [float(std) * factor for std in noise]

    @property
    def underdetermined(self) -> bool:
        """Whether a model of nothing but networks has more weights than there are residuals of data.

        The steps of its fit are then computed in the dual form, which needs decay of the weights.
        """
        pieces = {name.rpartition(".")[2][0] for name in self._shapes}
        data = self.observation.numel() + self.chained * self._gap_size * len(self.windows)
        return (
            self._by_steps
            and self.settings.decay > 0
            and self.correction is None
            and pieces <= {"w", "b"}
            and data < sum(math.prod(self._shapes[name]) for name in network_weights(self._shapes))
            and data * sum(map(math.prod, self._shapes.values())) <= MOST_ENTRIES
        )

    @property
    def _by_steps(self) -> bool:
        """Whether derivatives of windows are computed step by step: implicit schemes cannot iterate for a batch."""
        return self.settings.loss == "shooting" and not self.differences and not self.integrator.iterates

    def linearised_by_member(self) -> tuple[Linearisation | None, ...]:
        """The residuals of :meth:`residuals_by_member` with derivatives that are computed step by step."""
        return (self.linearised if self._by_steps else None,)

    def linearised(
        self, parameters: Mapping[str, torch.Tensor], roots: torch.Tensor | None = None
    ) -> Linear | DualForm:
        """The residuals of a shooting fit with their derivatives.

        Args:
            parameters: of the model, the starts, and of the correction if there is one.
            roots: factors of the errors of every moment ``(N, k + 1, 1)``; None: 1.
        """
        data = linearised_windows(self, parameters, parameters[STARTS], roots)
        shared = {name: value for name, value in parameters.items() if name != STARTS}
        if self.underdetermined:
            decays = {name: math.sqrt(self.settings.decay) for name in network_weights(shared)}
            prior = [torch.full_like(value, decays.get(name, 0.0)).flatten() for name, value in shared.items()]
            at = torch.cat([value.flatten() for value in shared.values()])
            return DualForm.of(data, on_numpy(torch.cat(prior)), on_numpy(at))

        def decayed(shared: Tensors) -> torch.Tensor:
            return self._of_prior(self._decayed(shared))

        with torch.no_grad():
            slopes = torch.cat([part.flatten(1) for part in torch.func.jacrev(decayed)(shared).values()], dim=1)
            return data.with_prior(on_numpy(decayed(shared)), on_numpy(slopes))

    def derivatives(self, parameters: Mapping[str, np.ndarray]) -> Linear | DualForm:
        """The residuals of a fit with their derivatives, however they are computed."""
        if self._by_steps:
            return self.linearised({name: self._tensor(value) for name, value in parameters.items()})
        problem = Problem(
            lambda at: self.residuals_of(self.terms(at)),
            parameters,
            local=self.local,
            chained=self.chained,
            together=self.together,
            device=self.device,
        )
        return problem.linearised(problem.theta, problem.own)

    def _degrees_of_freedom(self, parameters: Mapping[str, np.ndarray], terms: Terms) -> float:
        """How many of the shared parameters the data determine."""
        linear = self.derivatives(parameters)
        if isinstance(linear, DualForm):
            return linear.degrees_of_freedom()
        return degrees_of_freedom(linear, prior=self._of_prior(terms.decayed).numel() // len(self.windows))

    @cached_property
    def together(self) -> Together | None:
        """Residuals of several sets of parameters, by traced code; None: the model is not fitted by differences.

        Where windows cannot be traced, as through implicit schemes, there is none either.
        """
        if not self.differences or self.device.type != "cpu":
            return None
        try:
            motion = TracedMotion(
                self.architecture,
                self._shapes,
                coordinates=self.coordinates,
                integrator=self.integrator,
                dt=self._dt,
            )
        except NotTraceable:
            return None

        def residuals(parameters: Mapping[str, torch.Tensor]) -> torch.Tensor:
            arrays = {name: on_numpy(value) for name, value in parameters.items()}
            duration = None if self.duration is None else on_numpy(self.duration)
            states = torch.tensor(motion(arrays, arrays[STARTS] * self._units, on_numpy(self.action), duration))
            one = lambda at, q, v: self.residuals_of(self.terms(at, moved=(q, v)))  # noqa: E731
            found: torch.Tensor = torch.vmap(one)(dict(parameters), *states.chunk(2, dim=-1))
            return found

        return residuals

    def terms(
        self,
        parameters: Mapping[str, torch.Tensor],
        batch: torch.Tensor | None = None,
        *,
        moved: tuple[torch.Tensor, torch.Tensor] | None = None,
    ) -> Terms:
        """The terms of the objective on all windows, or on the windows with the given indices.

        Args:
            parameters: of the model, and of a shooting fit.
            batch: indices of windows.
            moved: states (q, v), each ``(N, k + 1, n)``, through which all windows of a shooting fit pass, where they
                are known already.
        """
        model = self.model_parameters(parameters)
        if self.settings.loss == "shooting":
            if moved is None:
                moved = self.moved(self.world(model), parameters[STARTS])
            return self._shooting_terms(moved, model, parameters)
        world = self.world(model)
        observation, action, duration = self.observation, self.action, self.duration
        if batch is not None:
            observation, action = observation[batch], action[batch]
            duration = None if duration is None else duration[batch]
        errors: tuple[torch.Tensor, ...]
        if self.settings.loss == "prediction":
            errors = (prediction_residual(world, observation, action, scale=self._scale, duration=duration),)
        else:
            errors = derivative_residuals(
                world,
                observation,
                action,
                velocity_scale=self._velocity_scale,
                acceleration_scale=self._acceleration_scale,
                duration=duration,
            )
        decayed = tuple((self.settings.decay, w) for w in network_weights(model).values())
        return Terms(errors, tuple(error.numel() for error in errors), None, decayed)

    def moved(self, world: WorldModel, starts: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """The states (q, v), each ``(N, k + 1, n)``, of all windows from their starts ``(N, 2n)`` on."""
        return shooting_states(world, starts * self.units, self.action, self.duration)

    def _shooting_terms(
        self,
        moved: tuple[torch.Tensor, torch.Tensor],
        model: Mapping[str, torch.Tensor],
        parameters: Mapping[str, torch.Tensor],
    ) -> Terms:
        q, v = moved
        shown = self.coordinates.observation(q, v)
        observation, correction = self.observation, self.correction
        if correction is not None:
            observation = correction(parameters[correction.name])
        errors = torch.where(self.seen, self.between(shown, observation), 0.0)
        gaps = None
        if self.chained:
            rows, last = torch.arange(len(self.windows) - 1, device=self.device), self.steps[:-1]
            between = self.gap((q[rows, last], v[rows, last]), (q[1:, 0], v[1:, 0]))
            between = self.joined * between
            gaps = torch.cat([between, torch.zeros_like(between[:1])])
        return Terms((errors,), (self.count,), gaps, self._decayed(parameters))

    def _decayed(self, parameters: Mapping[str, torch.Tensor]) -> tuple[tuple[float, torch.Tensor], ...]:
        """What decays in a shooting fit, see :class:`Terms`.

        Against noise decay is a prior of the motion that influences m; elsewhere it only breaks ties.
        """
        weights = weights_per_inertia(self.model_parameters(parameters))
        decayed = tuple((self.settings.decay, w) for w in weights.values())
        correction = self.correction
        return decayed if correction is None else (*decayed, (correction.decay, parameters[correction.name]))

    def _of_prior(self, decayed: tuple[tuple[float, torch.Tensor], ...]) -> torch.Tensor:
        """The residuals of what decays; in a shooting fit with zeros until they can be shared out to the windows."""
        flat = [math.sqrt(factor) * w.flatten() for factor, w in decayed]
        whole = torch.cat([self.observation.new_zeros(0), *flat])
        return whole if self.local is None else torch.nn.functional.pad(whole, (0, -len(whole) % len(self.windows)))

    def between(self, shown: torch.Tensor, observation: torch.Tensor) -> torch.Tensor:
        """Errors ``(..., d)`` of what is shown, in units of the scale."""
        return (self.coordinates.unwrapped(shown, observation) - observation) / self._scale

    def gap(self, end: tuple[torch.Tensor, torch.Tensor], begin: tuple[torch.Tensor, torch.Tensor]) -> torch.Tensor:
        """The gaps ``(..., g)`` between states (q, v); a velocity that is not observed has to join as well."""
        velocities = (end[1] - begin[1]) / self._velocity_scale
        hidden = [velocities[..., i : i + 1] for i, unseen in enumerate(self.coordinates.unobserved) if unseen]
        between = self.between(self.coordinates.observation(*end), self.coordinates.observation(*begin))
        return torch.cat([between, *hidden], dim=-1)

    def value_of(self, terms: Terms) -> tuple[torch.Tensor, torch.Tensor]:
        """(objective, loss): the mean squares of errors, with and without gaps and decay."""
        loss = torch.stack([(e * e).sum() / count for e, count in zip(terms.errors, terms.counts, strict=True)]).sum()
        value = loss + sum(factor * (w * w).sum() for factor, w in terms.decayed)
        if terms.gaps is not None:
            value = value + self.weight_of_a_gap * (terms.gaps * terms.gaps).sum()
        return value, loss

    def residuals_of(self, terms: Terms) -> torch.Tensor:
        """The residuals whose sum of squares is the objective of :meth:`value_of`.

        A vector ``(m,)``; with shooting rows ``(N, m)``, where a row holds the errors of a window, its gap, and a share
        of what decays.
        """
        errors = [e / math.sqrt(count) for e, count in zip(terms.errors, terms.counts, strict=True)]
        prior = self._of_prior(terms.decayed)
        if self.local is None:
            return torch.cat([*(error.flatten() for error in errors), prior])
        rows = len(self.windows)
        parts = [error.reshape(rows, -1) for error in errors]
        if terms.gaps is not None:
            parts.append(math.sqrt(self.weight_of_a_gap) * terms.gaps)
        return torch.cat([*parts, prior.reshape(rows, -1)], dim=1)

    @property
    def weight_of_a_gap(self) -> float:
        """The weight of one square, so that that of their mean is the weight of the gaps."""
        return self.gap_weight / max(float(self.joined.sum()) * self._gap_size, 1.0)

    @property
    def _gap_size(self) -> int:
        """The number of entries of a gap."""
        return self.coordinates.observation_size + sum(self.coordinates.unobserved)


@checked_arguments
def observation_scale(coordinates: Coordinates, observation: np.ndarray) -> np.ndarray:
    """Size of every observation entry ``(d,)``: 1 for cos and sin, the speed limit where there is one, else RMS.

    Args:
        coordinates: what the observations are.
        observation: ``(..., d)``; rows that are NaN do not count.
    """
    rms = np.sqrt(np.nanmean(observation.reshape(-1, observation.shape[-1]).astype(np.float64) ** 2, axis=0))
    scale = np.where(rms > 0, rms, 1.0)
    for degree in coordinates.degrees:
        for entry in (degree.cos, degree.sin):
            if entry is not None:
                scale[entry] = 1.0
        if degree.speed_limit is not None and degree.velocity is not None:
            scale[degree.velocity] = degree.speed_limit * abs(degree.velocity_scale)
    return scale
