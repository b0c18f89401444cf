"""A small deterministic policy on NumPy; arrays and a card on disk.

    a = clip(centre + 1.2 half range * tanh(MLP(o / scale)))

The tanh reaches beyond the bounds, so that full force, which swinging up needs, takes no infinite weights.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from gymnasium.spaces import Box
from safetensors.numpy import save

from hnn_gym.agents.agent_checkpoint import read_agent, write_agent
from hnn_gym.agents.observed import observed
from hnn_gym.data.spaces import box_from_json, space_to_json
from hnn_gym.errors import InputError, check_fields
from hnn_gym.files.reading import parse_arrays
from hnn_gym.models.mlp import MLP
from hnn_gym.physics.phase import Array, namespace

KIND = "shac"
_FILE = "policy.safetensors"
_BEYOND = 1.2


@dataclass(frozen=True)
class ShacPolicy:
    """A policy as data, with the ``predict`` of stable-baselines3.

    Attributes:
        parameters: ``policy.w0, policy.b0, ...``, and ``scale`` ``(d,)``, the size of every observation entry.
        observation_space: space of its observations.
        action_space: space of its actions, which is bounded.
    """

    parameters: Mapping[str, np.ndarray]
    observation_space: Box
    action_space: Box

    def __post_init__(self) -> None:
        """Check the types."""
        check_fields(self)

    def predict(
        self, observation: np.ndarray, state: Any = None, episode_start: Any = None, deterministic: bool = True
    ) -> tuple[np.ndarray, Any]:
        """Return actions ``(..., k)`` for observations ``(..., d)``, and the state, which is not used."""
        space = self.action_space
        seen = observed(observation, int(np.prod(self.observation_space.shape)))
        action = act(self.parameters, np.asarray(seen, np.float64), space).astype(space.dtype)
        return np.clip(action, space.low, space.high), state

    def save(
        self, path: str | os.PathLike[str], *, about: Mapping[str, Any] | None = None, overwrite: bool = False
    ) -> None:
        """Write the policy as a folder of safetensors and a JSON card; ``about`` holds further entries for the card.

        Raises:
            ExistingPathError: the folder holds an agent and ``overwrite`` is False.
        """
        spaces = {name: space_to_json(getattr(self, name)) for name in ("observation_space", "action_space")}
        data = save({name: np.ascontiguousarray(value) for name, value in self.parameters.items()})
        write_agent(path, KIND, {**(about or {}), **spaces}, _FILE, data, overwrite=overwrite)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> ShacPolicy:
        """Read a policy that :meth:`save` wrote; nothing in it is executed.

        Raises:
            MissingPathError: there is nothing at ``path``.
            InputError: the folder is not such a policy, or is damaged.
        """
        card, data = read_agent(path)
        if card["kind"] != KIND:
            raise InputError(f"{path} is an agent of kind {card['kind']!r}, not {KIND!r}.")
        parameters = parse_arrays(data, path)
        if not all(value.dtype.kind == "f" and np.isfinite(value).all() for value in parameters.values()):
            raise InputError(f"The numbers of {path} hold NaN or infinity: train the agent again.")
        try:
            spaces = {name: box_from_json(card[name]) for name in ("observation_space", "action_space")}
            if not spaces["action_space"].is_bounded():
                raise InputError(f"its actions are not bounded: {spaces['action_space']}")
            policy = cls(parameters, **spaces)
            policy.predict(np.zeros((1, *spaces["observation_space"].shape)))
        except Exception as error:  # whatever a card makes the classes do
            raise InputError(f"The card of {path} does not describe the policy beside it: {error}") from None
        return policy


def act(parameters: Mapping[str, Array], observation: Array, space: Box) -> Array:
    """Actions ``(..., k)``, not yet clipped, for observations ``(..., d)``, in the library of both."""
    xp = namespace(observation)
    centre, half = (
        xp.asarray(np.asarray(value, np.float64), dtype=observation.dtype, device=observation.device)
        for value in ((space.high + space.low) / 2, (space.high - space.low) / 2)
    )
    return centre + _BEYOND * half * xp.tanh(MLP.of(parameters, "policy")(observation / parameters["scale"]))
