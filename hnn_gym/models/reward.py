"""A learned reward: r = a + s N(phi(q), v / w, u / f), fitted to recorded rewards whose formula is unknown."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from hnn_gym.errors import InputError
from hnn_gym.models.features import Features
from hnn_gym.models.mlp import MLP
from hnn_gym.physics.phase import Array, namespace


@dataclass(frozen=True)
class RewardHead:
    """The reward of a step as a function of the state before it and of the force.

    Attributes:
        features: phi, functions of the position.
        velocity_scales: the scales w of the velocities.
        force_scales: the scales f of the forces; empty without controls.
        mean: the offset a.
        spread: the factor s.
        parameters: weights and biases of N, as ``reward.w0, reward.b0, ...``.
    """

    features: Features
    velocity_scales: tuple[float, ...]
    force_scales: tuple[float, ...]
    mean: float
    spread: float
    parameters: Mapping[str, Array]

    @property
    def inputs(self) -> int:
        """Number of inputs of N."""
        return self.features.size + len(self.velocity_scales) + len(self.force_scales)

    def __call__(self, q: Array, v: Array, u: Array) -> Array:
        """Reward ``(...)`` at states ``(..., n)``, ``(..., n)`` under forces ``(..., m)``."""
        xp = namespace(q)
        parts = [self.features(q), v / self._scale(self.velocity_scales, v)]
        if self.force_scales:
            parts.append(u / self._scale(self.force_scales, u))
        return self.mean + self.spread * self._network(q)(xp.concat(parts, axis=-1))[..., 0]

    def with_parameters(self, parameters: Mapping[str, Array]) -> RewardHead:
        """The same head with another network."""
        return RewardHead(self.features, self.velocity_scales, self.force_scales, self.mean, self.spread, parameters)

    def to_json(self) -> dict[str, Any]:
        """All fields that are not arrays, JSON-ready."""
        return {
            "angles": list(self.features.angles),
            "position_scales": list(self.features.scales),
            "velocity_scales": list(self.velocity_scales),
            "force_scales": list(self.force_scales),
            "mean": self.mean,
            "spread": self.spread,
        }

    @classmethod
    def of(cls, arrays: Mapping[str, np.ndarray], data: Mapping[str, Any]) -> RewardHead:
        """Build from the arrays of N and :meth:`to_json`.

        Raises:
            InputError: they do not fit together.
        """
        own = {name: value for name, value in arrays.items() if name.startswith("reward.")}
        try:
            head = cls(
                features=Features(tuple(data["angles"]), tuple(data["position_scales"])),
                velocity_scales=tuple(map(float, data["velocity_scales"])),
                force_scales=tuple(map(float, data["force_scales"])),
                mean=float(data["mean"]),
                spread=float(data["spread"]),
                parameters={name: value.astype(np.float64) for name, value in own.items()},
            )
            n = len(head.velocity_scales)
            value = head(np.zeros(n), np.zeros(n), np.zeros(len(head.force_scales)))
        except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
            raise InputError(f"The reward of this checkpoint cannot be read: {error!r}.") from None
        if not np.isfinite(value):
            raise InputError("The reward of this checkpoint is not finite: the training failed, repeat it.")
        return head

    def _network(self, like: Array) -> MLP:
        """N with its arrays in the library, dtype and device of ``like``; made once for each."""
        place = {"dtype": getattr(like, "dtype", None), "device": getattr(like, "device", None)}
        key = (namespace(like).__name__, *map(str, place.values()))
        if key not in self._networks:
            parameters = self.parameters
            if namespace(next(iter(parameters.values()))) is not namespace(like):
                parameters = {name: namespace(like).asarray(value, **place) for name, value in parameters.items()}
            self._networks[key] = MLP.of(parameters, "reward")
        return self._networks[key]

    @cached_property
    def _networks(self) -> dict[tuple[str, ...], MLP]:
        return {}

    def _scale(self, scales: tuple[float, ...], like: Array) -> Array | float:
        if len(scales) == 1:
            return scales[0]
        return namespace(like).asarray(scales, dtype=like.dtype, device=getattr(like, "device", None))
