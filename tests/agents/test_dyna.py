"""The Dyna loop learns from the episodes of its own agents."""

from __future__ import annotations

import gymnasium
import numpy as np
import pytest

from hnn_gym import FitSettings, InputError, TransitionDataset, WorldModel, train_world
from hnn_gym.agents.dyna_loop import DynaSettings, dyna
from hnn_gym.agents.dynamic_programming import DynamicProgramming, Grid
from hnn_gym.agents.evaluate import Policy
from hnn_gym.envs.core import Simulator
from hnn_gym.systems import PendulumSwingUp, coordinates_of

FIT = FitSettings(adam_steps=50, lbfgs_steps=0, least_squares_steps=15)


def learned(dataset: TransitionDataset) -> list[WorldModel]:
    return [train_world(dataset, "mechanical", settings=FIT, options={"hidden": (8,)})]


def planned(worlds: object, horizon: int, dataset: TransitionDataset) -> Policy:
    simulators = [Simulator(world, PendulumSwingUp()) for world in worlds]  # type: ignore[attr-defined]
    return DynamicProgramming(simulators, steps=horizon, grid=Grid(positions=101, velocities=81, actions=11))


def test_a_few_seconds_of_experience_solve_the_pendulum_and_every_episode_is_added() -> None:
    asked: list[tuple[int, int]] = []

    def dream(worlds: object, horizon: int, dataset: TransitionDataset) -> Policy:
        asked.append((horizon, dataset.num_steps))
        return planned(worlds, horizon, dataset)

    settings = DynaSettings(first_steps=40, rounds=2, horizons=(100, 200))
    rounds = dyna(gymnasium.make("Pendulum-v1"), learned, dream, settings=settings)
    assert asked == [(100, 40), (200, 240)]
    assert [r.real_steps for r in rounds] == [40, 240]
    assert rounds[-1].earned > -450  # no start is worse than -400 for the optimum; hanging earns below -1,000


def test_the_loop_stops_when_the_task_is_solved() -> None:
    settings = DynaSettings(first_steps=60, rounds=5, solved=-1e9)
    assert len(dyna(gymnasium.make("Pendulum-v1"), learned, planned, settings=settings)) == 1


def test_an_episode_without_an_end_is_refused() -> None:
    env = gymnasium.make("Pendulum-v1").unwrapped
    with pytest.raises(InputError, match="TimeLimit"):
        dyna(env, learned, planned, settings=DynaSettings(first_steps=30), coordinates=_coordinates())


def _coordinates() -> dict[str, object]:

    known = coordinates_of("Pendulum-v1")
    assert known is not None
    return known.to_json()


@pytest.mark.parametrize("bad", [{"first_steps": 0}, {"rounds": 0}, {"horizons": ()}, {"horizons": (0,)}])
def test_invalid_settings_are_refused(bad: dict[str, object]) -> None:
    with pytest.raises(InputError):
        DynaSettings(**bad)  # type: ignore[arg-type]


def test_the_memory_of_an_agent_is_reset_at_the_start_of_an_episode() -> None:
    begins: list[bool] = []

    class Watcher:
        def predict(
            self,
            observation: np.ndarray,
            state: object = None,
            episode_start: object = None,
            deterministic: bool = True,
        ) -> tuple[np.ndarray, object]:
            begins.append(bool(np.asarray(episode_start).all()))
            return np.zeros((len(observation), 1), np.float32), (state or 0)

    settings = DynaSettings(first_steps=30, rounds=2)
    dyna(gymnasium.make("Pendulum-v1"), learned, lambda *_: Watcher(), settings=settings)
    assert begins == ([True] + [False] * 199) * 2
