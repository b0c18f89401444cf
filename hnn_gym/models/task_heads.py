"""The learned parts of a task: termination and reward, as functions of observations.

    terminated = any_i [ s_i(o') > 0 ],        reward = r(o, u, o') + jump * terminated,

with s_i and r scores of the observations o before and o' after a step and of the force u: polynomials of degree two
where these explain the recording, networks where they do not. They are plain data, and run on NumPy arrays, torch
tensors and traced arrays alike. :mod:`hnn_gym.training.task_heads` fits them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any

import numpy as np

from hnn_gym.errors import InputError
from hnn_gym.models.mlp import MLP
from hnn_gym.physics.phase import Array, namespace


@dataclass(frozen=True)
class PolynomialScore:
    """s(z) = constant + sum_k weights_k * prod_{i in terms_k} z_i.

    Attributes:
        constant: the score of z = 0.
        terms: the entries of z that each term multiplies, one or two of them.
        weights: one for each term.
    """

    constant: float
    terms: tuple[tuple[int, ...], ...] = ()
    weights: tuple[float, ...] = ()

    def __call__(self, z: Array) -> Array:
        """Scores ``(...)`` of inputs ``(..., size)``."""
        score = 0 * z[..., 0] + self.constant
        for term, weight in zip(self.terms, self.weights, strict=True):
            product = z[..., term[0]]
            for i in term[1:]:
                product = product * z[..., i]
            score = score + weight * product
        return score

    def in_words(self, names: tuple[str, ...], *, largest: int = 4) -> str:
        """The formula with the entries' ``names``; the ``largest`` terms of a long one."""
        if len(self.terms) > largest:
            return f"a polynomial of {len(self.terms)} terms"
        parts = [
            f"{weight:+.4g} {' * '.join(names[i] for i in term)}"
            for term, weight in zip(self.terms, self.weights, strict=True)
        ]
        return " ".join([*parts, f"{self.constant:+.4g}"] if self.constant or not parts else parts)


@dataclass(frozen=True)
class NetworkScore:
    """s(z) = offset + spread * N((z - mean) / scale), N a network of tanh units with one output.

    Attributes:
        mean: of every entry of z.
        scale: of every entry of z.
        offset: in the unit of the score.
        spread: in the unit of the score.
        network: the arrays of N by name, as nested lists: ``{"w0": ..., "b0": ..., "w1": ...}``.
    """

    mean: tuple[float, ...]
    scale: tuple[float, ...]
    offset: float
    spread: float
    network: Mapping[str, Any]

    def __call__(self, z: Array) -> Array:
        """Scores ``(...)`` of inputs ``(..., size)``."""
        mean, scale, network = self._placed(z)
        return self.offset + self.spread * network((z - mean) / scale)[..., 0]

    def in_words(self, names: tuple[str, ...]) -> str:
        """A short description of it."""
        return f"a network of {len(self.network['b0'])} units on {len(names)} numbers"

    def _placed(self, like: Array) -> tuple[Array, Array, MLP]:
        """Mean, scale and N in the library, dtype and place of ``like``; made once for each."""
        xp = namespace(like)
        place = {"dtype": getattr(like, "dtype", None), "device": getattr(like, "device", None)}
        key = (xp.__name__, *map(str, place.values()))
        if key not in self._copies:
            mean, scale = (xp.asarray(list(values), **place) for values in (self.mean, self.scale))
            arrays = {f"n.{name}": xp.asarray(value, **place) for name, value in self.network.items()}
            self._copies[key] = mean, scale, MLP.of(arrays, "n")
        return self._copies[key]

    @cached_property
    def _copies(self) -> dict[tuple[str, ...], tuple[Array, Array, MLP]]:
        return {}


Score = PolynomialScore | NetworkScore


@dataclass(frozen=True)
class LearnedTermination:
    """The end of an episode: a state ends it where any of the scores is positive.

    Attributes:
        scores: of observations; none where no recorded episode terminated.
    """

    scores: tuple[Score, ...] = ()

    def __call__(self, observation: Array) -> Array:
        """Whether observations ``(..., d)`` end the episode; bool ``(...)``."""
        ends = 0 * observation[..., 0] > 1
        for score in self.scores:
            ends = ends | (score(observation) > 0)
        return ends

    def to_json(self) -> list[dict[str, Any]]:
        """A JSON-ready list that :meth:`from_json` reads."""
        return [_score_to_json(score) for score in self.scores]

    @classmethod
    def from_json(cls, data: Sequence[Mapping[str, Any]]) -> LearnedTermination:
        """Read what :meth:`to_json` wrote.

        Raises:
            InputError: the list does not hold scores.
        """
        try:
            return cls(tuple(_score_from_json(score) for score in data))
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise InputError(f"The learned termination of this world cannot be read: {error!r}.") from None

    def in_words(self, names: tuple[str, ...]) -> str:
        """When episodes end, as a sentence."""
        if not self.scores:
            return "No recorded episode terminated, so that episodes of the learned environment are only truncated."
        conditions = " or ".join(f"{score.in_words(names)} > 0" for score in self.scores)
        return f"An episode terminates where {conditions}."


@dataclass(frozen=True)
class LearnedReward:
    """The reward of a step as a function of the observation before it, the force, and the observation after it.

    Attributes:
        score: of [o, u, o'].
        jump: what the step that ends an episode pays besides.
        termination: when that is.
    """

    score: Score
    jump: float
    termination: LearnedTermination

    def __call__(self, observation: Array, force: Array, next_observation: Array) -> Array:
        """Reward ``(...)`` of observations ``(..., d)``, forces ``(..., m)`` and next observations ``(..., d)``."""
        xp = namespace(observation)
        reward = self.score(xp.concat([observation, force, next_observation], axis=-1))
        if not self.jump:
            return reward
        return reward + self.jump * xp.where(self.termination(next_observation), 1.0, 0.0)

    def in_words(self, names: tuple[str, ...], forces: int) -> str:
        """The reward as a sentence."""
        every = (*names, *(f"u{i}" for i in range(forces)), *(f"{name}'" for name in names))
        jump = f", and {self.jump:+.4g} where the episode terminates" if self.jump else ""
        return f"The reward is {self.score.in_words(every)}{jump}."


@dataclass(frozen=True)
class TaskHeads:
    """Reward and termination as they were learned from a recording.

    Attributes:
        reward: of a step.
        termination: of an episode.
    """

    reward: LearnedReward
    termination: LearnedTermination

    def to_json(self) -> dict[str, Any]:
        """A JSON-ready dict that :meth:`from_json` reads."""
        return {
            "termination": self.termination.to_json(),
            "reward": _score_to_json(self.reward.score),
            "jump": self.reward.jump,
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> TaskHeads:
        """Read what :meth:`to_json` wrote.

        Raises:
            InputError: the dict does not hold a learned reward and termination.
        """
        try:
            termination = LearnedTermination.from_json(data["termination"])
            reward = LearnedReward(_score_from_json(data["reward"]), float(data["jump"]), termination)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise InputError(f"The learned reward and termination of this world cannot be read: {error!r}.") from None
        return cls(reward, termination)


def _score_to_json(score: Score) -> dict[str, Any]:
    return {"kind": "polynomial" if isinstance(score, PolynomialScore) else "network"} | asdict(score)


def _score_from_json(data: Mapping[str, Any]) -> Score:
    if data["kind"] == "polynomial":
        terms = tuple(tuple(int(i) for i in term) for term in data["terms"])
        return PolynomialScore(float(data["constant"]), terms, tuple(map(float, data["weights"])))
    if data["kind"] != "network":
        raise ValueError(f"there is no score of kind {data['kind']!r}")
    network = {str(name): np.asarray(value, np.float64).tolist() for name, value in data["network"].items()}
    mean, scale = (tuple(map(float, data[name])) for name in ("mean", "scale"))
    return NetworkScore(mean, scale, float(data["offset"]), float(data["spread"]), network)
