"""The objective of a fit as a function of one dict of torch tensors: loss + gaps + decay * sum of squared weights."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch

from hnn_gym.coordinates import Coordinates
from hnn_gym.devices import checked_device, on_numpy
from hnn_gym.errors import InputError
from hnn_gym.models import Architecture
from hnn_gym.models.architecture import Parameters
from hnn_gym.models.port import network_weights, weights_per_inertia
from hnn_gym.physics.integrators import Integrator
from hnn_gym.training.initial_guess import quiet, rough_log_inertia
from hnn_gym.training.least_squares import Residual
from hnn_gym.training.losses import derivative_residuals, gaps, mean_square, prediction_residual, shooting_residual
from hnn_gym.training.settings import FitSettings
from hnn_gym.worlds.world_model import WorldModel

STARTS = "starts"
"""Name of the estimated initial states among the parameters of a shooting fit."""


class Joints(NamedTuple):
    """Where windows of a shooting fit are to join.

    Attributes:
        followed: numbers of the windows that the next one carries on, ``(g,)``.
        weight: of the mean square of the gaps between them; infinity would make them one.
    """

    followed: np.ndarray
    weight: float


class Terms(NamedTuple):
    """What an objective is made of.

    Attributes:
        errors: the loss is the sum of their mean squares.
        gaps: the mean square is added to the loss, times the weight of the joints; None: there are no joints.
        weights: of networks, which decay.
    """

    errors: tuple[torch.Tensor, ...]
    gaps: torch.Tensor | None
    weights: tuple[torch.Tensor, ...]


class Objective:
    """Windows of recorded data, ready to score parameters. Float64 throughout."""

    def __init__(
        self,
        architecture: Architecture,
        coordinates: Coordinates,
        observation: np.ndarray,
        action: np.ndarray,
        *,
        integrator: Integrator,
        dt: float,
        settings: FitSettings,
        joints: Joints | None = None,
        device: str | torch.device = "cpu",
    ) -> None:
        """Hold windows of observations ``(N, k + 1, d)`` and actions ``(N, k, m)`` on a device; shooting has joints.

        Raises:
            InputError: the observations do not fit the coordinates, or there is no such device.
        """
        if observation.shape[-1] != coordinates.observation_size:
            raise InputError(
                f"The observations have {observation.shape[-1]} entries, and the coordinates declare "
                f"{coordinates.observation_size}."
            )
        self.device = checked_device(device)
        self.architecture = architecture
        self.settings = settings
        self._joints = joints
        self._followed = None if joints is None else torch.tensor(joints.followed, device=self.device)
        self._coordinates, self._integrator, self._dt = coordinates, integrator, dt
        self.observation = self._tensor(observation)
        self.action = self._tensor(action)
        self._scale = self._tensor(observation_scale(coordinates, observation))
        variables = architecture.variables
        self._velocity_scale = self._tensor(variables.velocity_scales)
        self._acceleration_scale = self._tensor(variables.acceleration_scales)

    @property
    def windows(self) -> int:
        """Number of windows."""
        return self.observation.shape[0]

    def initial_parameters(self, rng: np.random.Generator | None = None) -> dict[str, np.ndarray]:
        """The model's initial parameters, and the windows' first states where they are estimated.

        Args:
            rng: draws the weights; None: one of the seed of the settings.
        """
        rng = rng or np.random.default_rng(self.settings.seed)
        parameters = self.architecture.initial_parameters(rng)
        if self.settings.loss == "shooting":
            q, v = self._coordinates.state(self.observation[:, 0])
            parameters = quiet(parameters)
            parameters[STARTS] = on_numpy(torch.cat([q, v], dim=-1))
            if "inertia.log" in parameters:
                parameters["inertia.log"] = rough_log_inertia(
                    self._coordinates,
                    self.architecture.variables,
                    on_numpy(self.observation),
                    on_numpy(self.action),
                    dt=self._dt,
                )
        return parameters

    def __call__(
        self, parameters: Mapping[str, torch.Tensor], batch: torch.Tensor | None = None
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Return (objective, loss) on all windows, or on the windows with the given indices."""
        whole = batch is None
        observation = self.observation if whole else self.observation[batch]
        action = self.action if whole else self.action[batch]
        return self.value_of(self.terms(parameters, observation, action))

    def _tensor(self, values: Sequence[float] | np.ndarray) -> torch.Tensor:
        return torch.tensor(values, dtype=torch.float64, device=self.device)

    def residuals_by_member(self) -> tuple[Residual, ...]:
        """One function to the vector ``(m,)`` whose sum of squares is the objective on all windows."""
        return (self._residual,)

    def _residual(self, parameters: Mapping[str, torch.Tensor]) -> torch.Tensor:
        return self.vector_of(self.terms(parameters, self.observation, self.action))

    def world(self, parameters: Parameters, *, card: Mapping[str, Any] | None = None) -> WorldModel:
        """The world of a model's parameters."""
        return WorldModel.built(
            self.architecture,
            parameters,
            coordinates=self._coordinates,
            integrator=self._integrator,
            dt=self._dt,
            card=card,
        )

    def sensor_noise(self, parameters: Mapping[str, np.ndarray]) -> list[float] | None:
        """Root mean square of what a fit leaves of every observation entry ``(d,)``, in the entry's unit.

        Where the starts of windows are estimated that is the noise of the sensors; elsewhere it is None.
        """
        if self.settings.loss != "shooting":
            return None
        with torch.no_grad():
            tensors = {name: self._tensor(value) for name, value in parameters.items()}
            (errors,) = self.terms(tensors, self.observation, self.action).errors
            noise = (errors**2).mean(dim=(0, 1)).sqrt() * self._scale
        return [float(std) for std in on_numpy(noise)]

    def terms(self, parameters: Mapping[str, torch.Tensor], observation: torch.Tensor, action: torch.Tensor) -> Terms:
        """What the objective is made of, on windows like those held."""
        model = {name: value for name, value in parameters.items() if name != STARTS}
        world = self.world(model)
        weights = tuple(network_weights(model).values())
        if self.settings.loss == "prediction":
            return Terms((prediction_residual(world, observation, action, scale=self._scale),), None, weights)
        if self.settings.loss == "shooting":
            errors = shooting_residual(world, parameters[STARTS], observation, action, scale=self._scale)
            # Errors are predicted minus observed, and windows that join share an observation.
            between = None if self._followed is None else gaps(errors, self._followed)
            # Against noise decay is a prior of the motion that has a say in m; elsewhere it only breaks ties.
            return Terms((errors,), between, tuple(weights_per_inertia(model).values()))
        residuals = derivative_residuals(
            world,
            observation,
            action,
            velocity_scale=self._velocity_scale,
            acceleration_scale=self._acceleration_scale,
        )
        return Terms(residuals, None, weights)

    def value_of(self, terms: Terms) -> tuple[torch.Tensor, torch.Tensor]:
        """(objective, loss): the mean squares of errors, with and without gaps and decay."""
        loss = torch.stack([mean_square(error) for error in terms.errors]).sum()
        value = loss + self.settings.decay * sum((w * w).sum() for w in terms.weights)
        if terms.gaps is not None and self._joints is not None:
            value = value + self._joints.weight * mean_square(terms.gaps)
        return value, loss

    def vector_of(self, terms: Terms) -> torch.Tensor:
        """The vector ``(m,)`` whose sum of squares is the objective of :meth:`value_of`."""
        parts = [error.reshape(-1) / math.sqrt(error.numel()) for error in terms.errors]
        if terms.gaps is not None and self._joints is not None:
            parts.append(terms.gaps.reshape(-1) * math.sqrt(self._joints.weight / terms.gaps.numel()))
        return torch.cat(parts + [math.sqrt(self.settings.decay) * w.reshape(-1) for w in terms.weights])


def observation_scale(coordinates: Coordinates, observation: np.ndarray) -> np.ndarray:
    """Size of every observation entry ``(d,)``: 1 for cos and sin, the speed limit where there is one, else RMS."""
    rms = np.sqrt(np.mean(observation.reshape(-1, observation.shape[-1]).astype(np.float64) ** 2, axis=0))
    scale = np.where(rms > 0, rms, 1.0)
    for degree in coordinates.degrees:
        for entry in (degree.cos, degree.sin):
            if entry is not None:
                scale[entry] = 1.0
        if degree.speed_limit is not None and degree.velocity is not None:
            scale[degree.velocity] = degree.speed_limit
    return scale
