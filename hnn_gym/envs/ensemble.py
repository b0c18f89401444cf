"""The disagreement of an ensemble: sigma = RMS over entries of std over members of o'_i / scale_i.

All members take the step of the first, from the same (q, v) under the same forces. They agree where they have seen
data; where they disagree, the dream is not to be trusted. Disagreement may cost reward (the pessimism of MOPO), or end
the dream. That end is a truncation, as in the short rollouts of MBPO and MACURA, so that the value function of the
agent estimates the rest. A termination would be worth 0, which is an escape where rewards are negative; MOReL, which
terminates there, has to charge a penalty for it.

Sources: Yu et al., *MOPO: model-based offline policy optimization*, NeurIPS 2020; Kidambi et al., *MOReL: model-based
offline reinforcement learning*, NeurIPS 2020; Janner et al., *When to trust your model: model-based policy
optimization* (MBPO), NeurIPS 2019; Frauenknecht et al., *Trust the model where it trusts itself* (MACURA), ICML 2024.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from hnn_gym.errors import InputError
from hnn_gym.physics.phase import Array, namespace
from hnn_gym.worlds.world_model import WorldModel


@dataclass(frozen=True)
class Ensemble:
    """The other members of an ensemble, and the consequences of their disagreement.

    Attributes:
        others: worlds of the same system, coordinates and time step as the one that is stepped.
        penalty: reward subtracted for every unit of disagreement, in every step.
        limit: the episode is truncated where the disagreement is larger; None: never.

    Raises:
        InputError: there are no others, or penalty or limit is out of range.
    """

    others: tuple[WorldModel, ...]
    penalty: float = 0.0
    limit: float | None = None

    def __post_init__(self) -> None:
        """Check the numbers."""
        if not self.others:
            raise InputError("Disagreement needs at least two worlds: give an ensemble, [world, world, ...].")
        if not 0 <= self.penalty < float("inf") or not (self.limit is None or self.limit > 0):
            raise InputError(
                "Disagreement needs disagreement_penalty >= 0 and disagreement_limit > 0, or None for no limit, not "
                f"{self.penalty!r} and {self.limit!r}."
            )

    def disagreement(self, world: WorldModel, x: Array, force: Array, next_q: Array, next_v: Array) -> Array:
        """Disagreement ``(...)`` of all members about the step that ``world`` made.

        Args:
            world: the member that was stepped.
            x: phase points before the step ``(..., 2n)``.
            force: the forces that acted ``(..., m)``.
            next_q: its positions after the step ``(..., n)``.
            next_v: its velocities after the step ``(..., n)``.
        """
        xp = namespace(x)
        q, v = world.state(x)
        seen = [world.coordinates.observation(next_q, next_v)]
        for other in self.others:
            state = other.state(other.advance(other.phase_point(q, v), force))
            seen.append(world.coordinates.unwrapped(world.coordinates.observation(*state), seen[0]))
        mean = sum(seen) / len(seen)
        variance = sum((each - mean) ** 2 for each in seen) / len(seen)
        scaled = [variance[..., i] / scale**2 for i, scale in enumerate(observation_scales(world))]
        square = sum(scaled) / len(scaled)
        differ = square > 0  # the slope of a square root at 0 is infinite: a gradient must not pass there
        return xp.where(differ, xp.sqrt(xp.where(differ, square, 1.0)), 0.0)

    def like(self, x: Array) -> Ensemble:
        """The same with arrays in the library, dtype and device of ``x``."""
        return replace(self, others=tuple(other.like(x) for other in self.others))


def observation_scales(world: WorldModel) -> tuple[float, ...]:
    """Typical size of every observation entry: 1 for cos and sin, else the scale that the model was trained with.

    Raises:
        InputError: the world was not learned.
    """
    if world.architecture is None:
        raise InputError("An ensemble consists of learned worlds, and this one is true physics: leave it out.")
    variables = world.architecture.variables
    scales = [1.0] * world.coordinates.observation_size
    for i, degree in enumerate(world.coordinates.degrees):
        if degree.velocity is not None:
            scales[degree.velocity] = degree.speed_limit or variables.velocity_scales[i]
        if degree.position is not None:
            scales[degree.position] = variables.position_scales[i]
    return tuple(scales)


def ensemble_of(
    world: WorldModel, others: tuple[WorldModel, ...], *, penalty: float, limit: float | None
) -> Ensemble | None:
    """The ensemble of a world and its other members; None for a single world.

    Raises:
        InputError: the members are of different systems or not learned, or penalty or limit is out of range.
    """
    if not others:
        if penalty or limit is not None:
            raise InputError(
                "disagreement_penalty and disagreement_limit need an ensemble: world_model=[one, another]."
            )
        return None
    observation_scales(world)
    for other in others:
        if other.coordinates != world.coordinates or other.dt != world.dt:
            raise InputError(
                "The worlds of an ensemble must have the same coordinates and time step: learn them from one dataset, "
                "with hnn_gym.training.train_ensemble."
            )
    return Ensemble(others, penalty, limit)
