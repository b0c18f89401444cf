"""Numbers that were wrong once: clipped bumps, staggered starts, lengths of dreams, identities of trainings."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import gymnasium
import numpy as np
import pytest

import hnn_gym
from hnn_gym.agents.identity import digest_of, simulator_named, world_named
from hnn_gym.agents.transfer import measure_transfer
from hnn_gym.envs.build import build_simulator
from hnn_gym.envs.shipped import resolve_world
from hnn_gym.physics.integrators import Leapfrog


def test_a_bump_that_a_speed_limit_cuts_says_so() -> None:
    world = resolve_world("HNNPendulum-v0")
    x = world.phase_point(np.array([[0.0], [0.0]]), np.array([[7.9], [1.0]]))
    given = world.bump(x, np.array([5.0, 0.5]))
    assert given.clipped.tolist() == [True, False]
    assert given.realised[0] < 1
    assert given.realised[1] == pytest.approx(0.5)


def test_staggered_copies_begin_at_the_same_times_for_the_same_list_of_seeds() -> None:
    def ends(seeds: Any) -> np.ndarray:
        envs = gymnasium.make_vec("Spring-v0", 8, staggered=True, max_episode_steps=20)
        envs.reset(seed=seeds)
        return np.array([envs.step(np.zeros((8, *envs.single_action_space.shape)))[3] for _ in range(20)])

    np.testing.assert_array_equal(ends(list(range(8))), ends(list(range(8))))
    assert (ends(list(range(8))) != ends(list(range(1, 9)))).any()


class Still:
    """Does nothing."""

    def predict(self, observation: np.ndarray, state: Any = None, **_: Any) -> tuple[np.ndarray, Any]:
        return np.zeros((len(observation), 1), np.float32), state


@pytest.mark.parametrize("steps", [20, 250])
def test_a_dream_is_as_long_as_the_episode_that_it_is_compared_with(steps: int) -> None:
    simulator = build_simulator("Pendulum-v1")
    transfer = measure_transfer(
        Still(), simulator, lambda: gymnasium.make("Pendulum-v1", max_episode_steps=steps), seeds=range(2)
    )
    assert transfer.dream.lengths.tolist() == transfer.real.lengths.tolist() == [steps, steps]
    np.testing.assert_allclose(transfer.gap, 0, atol=1e-3)  # the dream is the truth, in float64


def paying(observation: Any, force: Any, next_observation: Any) -> Any:
    return observation[..., 0]


def paying_twice(observation: Any, force: Any, next_observation: Any) -> Any:
    return 2 * observation[..., 0]


_PRICE = 1.0


def _halved(value: Any) -> Any:
    return value / 2


def priced(observation: Any, force: Any, next_observation: Any) -> Any:
    return sum(_PRICE * _halved(each) for each in observation.T)


def test_a_function_is_identified_by_the_values_and_functions_of_its_module_too(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    found = [digest_of(priced)]
    assert digest_of(priced) == found[0]
    monkeypatch.setitem(priced.__globals__, "_PRICE", 2.0)
    found.append(digest_of(priced))
    monkeypatch.setitem(priced.__globals__, "_halved", lambda value: value / 3)
    found.append(digest_of(priced))
    assert len(set(found)) == 3


def test_a_training_is_identified_by_all_that_its_world_computes_with() -> None:
    world = resolve_world("HNNPendulum-v0")
    assert world_named(world) == world_named(hnn_gym.WorldModel.load(hnn_gym.envs.shipped.WEIGHTS / "HNNPendulum-v0"))
    control = replace(world.coordinates.controls[0], limit=1.0)
    others = (
        replace(world, integrator=Leapfrog()),
        replace(world, coordinates=replace(world.coordinates, controls=(control,))),
        replace(world, card={**world.card, "task": {"reward": 1}}),
        world.with_dt(0.04),
        replace(world, parameters={name: value * 1.01 for name, value in world.parameters.items()}),
    )
    named = [str(world_named(one)) for one in (world, *others)]
    assert len(set(named)) == len(named)

    def dream(**options: Any) -> str:
        return str(simulator_named(build_simulator("HNNPendulum-v0", **options)))

    assert dream() == dream()
    dreams = [
        dream(),
        dream(reward=paying),
        dream(reward=paying_twice),
        dream(actions="bump"),
        dream(actions="force+bump"),
    ]
    dreams += [dream(actions="bump", bump_cost=0.1), dream(starts=np.array([[1.0, 0, 0]]))]
    dreams += [dream(starts=np.array([[0.0, 1, 0]]))]
    assert len(set(dreams)) == len(dreams)
    assert digest_of({"reward": paying}) == digest_of({"reward": paying})
