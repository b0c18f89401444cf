"""Ways to make an agent in a learned world alone, each with its recipe, and what is tried when the recipe is chosen."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from experiments.classic.policy_search import SearchRecipe, searched
from experiments.recipe_search import Grid as Candidates
from hnn_gym.agents.dynamic_programming import DynamicProgramming, Grid
from hnn_gym.agents.evaluate import Policy
from hnn_gym.agents.lqr import LinearQuadratic
from hnn_gym.agents.planned_actions import NearestActions
from hnn_gym.agents.sampling import Cem, SamplingPlanner
from hnn_gym.envs.core import Simulator
from hnn_gym.worlds.world_model import WorldModel


@dataclass(frozen=True, eq=False)
class Agent:
    """A way to make an agent.

    Attributes:
        name: for the table.
        make: makes it: of a world, the simulator of the world and its task, a seed, and a recipe.
        recipe: the chosen one; None: it has the defaults of its class.
        first: where the search for the recipe begins; None: there is no search.
        candidates: values of the recipe's settings that the search tries.
        learners: the contenders in whose worlds it can be made.
    """

    name: str
    make: Callable[[WorldModel, Simulator, int, Any], Policy]
    recipe: Any = None
    first: Any = None
    candidates: Candidates = field(default_factory=dict)
    learners: tuple[str, ...] = ("HNN", "network")

    def policy(self, world: WorldModel, simulator: Simulator, seed: int) -> Policy:
        """Make it by its recipe."""
        return self.make(world, simulator, seed, self.recipe)


def linear_quadratic() -> Agent:
    """The linear controller about the upright, with the weights of its class; whole numbers are the nearest force."""

    def make(world: WorldModel, simulator: Simulator, seed: int, recipe: None) -> Policy:
        policy = LinearQuadratic(world, position=np.zeros(world.coordinates.n))
        return policy if world.coordinates.force_table is None else NearestActions(policy, simulator)

    return Agent("linear-quadratic control", make)


def backward_induction(grid: Grid, *, steps: int) -> Agent:
    """The best policy of the world on a grid."""

    def make(world: WorldModel, simulator: Simulator, seed: int, recipe: None) -> Policy:
        return DynamicProgramming([simulator], steps=steps, grid=grid)

    return Agent("backward induction", make)


@dataclass(frozen=True)
class PlannerRecipe:
    """How the cross-entropy method plans, and what it takes the end of a plan to be worth.

    Attributes:
        horizon: actions of a plan.
        samples: plans that are drawn at a time.
        rounds: how often plans are drawn for one decision.
        std: of the noise, as a share of half the range of the forces.
        colour: exponent of the spectrum of the noise.
        weight: what the end of a plan loses for each unit that is missing there.
    """

    horizon: int = 20
    samples: int = 64
    rounds: int = 2
    std: float = 2.0
    colour: float = 1.0
    weight: float = 2.0


PLANNERS: Candidates = {
    "weight": (0.5, 2.0, 8.0),
    "horizon": (10, 20, 30),
    "colour": (0.0, 1.0, 2.0),
    "std": (1.0, 2.0, 4.0),
    "rounds": (1, 2),
}


def planner(recipe: PlannerRecipe, first: PlannerRecipe, candidates: Candidates) -> Agent:
    """The cross-entropy method; nothing counts but the rewards of a plan."""

    def make(world: WorldModel, simulator: Simulator, seed: int, recipe: PlannerRecipe) -> Policy:
        return _planner(simulator, seed, recipe, None)

    return Agent("cross-entropy method", make, recipe, first, candidates)


def linear_policy(recipe: SearchRecipe) -> Agent:
    """The linear policy that earns most in whole episodes of the dream, by a recipe that was not searched for."""

    def make(world: WorldModel, simulator: Simulator, seed: int, recipe: SearchRecipe) -> Policy:
        return searched(world, recipe, seed=seed)

    return Agent("linear policy, found by the cross-entropy method", make, recipe)


def energy_planner(goal: tuple[float, ...], recipe: PlannerRecipe) -> Agent:
    """The cross-entropy method; at the end of a plan, the energy H is missing that rest at q = ``goal`` has, in J."""

    def make(world: WorldModel, simulator: Simulator, seed: int, recipe: PlannerRecipe) -> Policy:
        target = float(world.energy(np.array([*goal, *[0.0] * len(goal)])))
        return _planner(simulator, seed, recipe, lambda x: target - world.energy(x))

    return Agent("cross-entropy method, H missing at the end", make, recipe, PlannerRecipe(), PLANNERS, ("HNN",))


def height_planner(height: Callable[[np.ndarray], np.ndarray], top: float, recipe: PlannerRecipe) -> Agent:
    """The cross-entropy method; at the end of a plan, the height is missing that is left to the top, in m."""

    def make(world: WorldModel, simulator: Simulator, seed: int, recipe: PlannerRecipe) -> Policy:
        return _planner(simulator, seed, recipe, lambda x: top - height(world.state(x)[0]))

    return Agent("cross-entropy method, height missing at the end", make, recipe, PlannerRecipe(), PLANNERS)


def _planner(
    simulator: Simulator, seed: int, recipe: PlannerRecipe, missing: Callable[[np.ndarray], np.ndarray] | None
) -> SamplingPlanner:
    def value(x: np.ndarray) -> np.ndarray:
        assert missing is not None
        return -recipe.weight * np.maximum(missing(np.asarray(x, np.float64)), 0.0)

    return SamplingPlanner(
        simulator,
        rule=Cem(rounds=recipe.rounds),
        horizon=recipe.horizon,
        samples=recipe.samples,
        std=recipe.std,
        colour=recipe.colour,
        value=None if missing is None else value,
        seed=seed,
    )
