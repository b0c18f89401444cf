"""stable-baselines3 in a dream: trained, saved, loaded, interrupted and resumed."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import pytest
from stable_baselines3 import SAC
from stable_baselines3.common.callbacks import BaseCallback

from hnn_gym import FitSettings, record_steps
from hnn_gym.agents.agent_checkpoint import UNFINISHED
from hnn_gym.agents.evaluate import episode_returns
from hnn_gym.agents.horizons import horizon_at
from hnn_gym.agents.sb3 import ALGORITHMS, RECIPES, AgentRecipe, load_sb3_agent, save_agent, train_agent
from hnn_gym.envs.shipped import resolve_world
from hnn_gym.errors import ExistingPathError, InputError, MissingPathError
from hnn_gym.training import train_ensemble

TINY = {
    name: replace(RECIPES[name], num_envs=4, steps=400, hidden=(8,), arguments=arguments)
    for name, arguments in {
        "a2c": {"n_steps": 8},
        "ddpg": {"learning_starts": 100, "batch_size": 16, "buffer_size": 1000},
        "ppo": {"n_steps": 16, "batch_size": 64, "n_epochs": 1},
        "sac": {"learning_starts": 100, "batch_size": 16, "buffer_size": 1000},
        "td3": {"learning_starts": 100, "batch_size": 16, "buffer_size": 1000},
    }.items()
}
OBSERVATIONS = np.random.default_rng(0).uniform(-1, 1, (5, 3)).astype(np.float32)


@pytest.mark.parametrize("algo", sorted(TINY))
def test_every_algorithm_for_real_numbers_trains_in_a_dream_and_comes_back_from_its_folder(
    algo: str, tmp_path: Path
) -> None:
    agent = train_agent("HNNPendulum-v0", algo, recipe=TINY[algo])
    save_agent(tmp_path / "agent", agent, algo=algo, recipe=TINY[algo], about={"note": "x"})
    loaded = load_sb3_agent(tmp_path / "agent")
    expected = agent.predict(OBSERVATIONS, deterministic=True)[0]
    np.testing.assert_array_equal(loaded.predict(OBSERVATIONS, deterministic=True)[0], expected)
    assert loaded.action_space == agent.action_space
    again = ALGORITHMS[algo].load(tmp_path / "agent" / "policy.zip", device="cpu")  # stable-baselines3's own way
    np.testing.assert_array_equal(again.predict(OBSERVATIONS, deterministic=True)[0], expected)
    assert json.loads((tmp_path / "agent" / "agent.json").read_text())["note"] == "x"
    assert np.isfinite(episode_returns(loaded, "Pendulum-v1", seeds=range(2))).all()


class Kill(BaseCallback):
    """Interrupts the training at a step."""

    def __init__(self, at: int) -> None:
        super().__init__()
        self.at = at

    def _on_step(self) -> bool:
        if self.num_timesteps >= self.at:
            raise KeyboardInterrupt
        return True


class Steps(BaseCallback):
    """Notes the steps it sees."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[int] = []

    def _on_step(self) -> bool:
        self.seen.append(self.num_timesteps)
        return True


@pytest.mark.parametrize("algo", ["ppo", "sac"])
def test_an_interrupted_training_resumes_where_it_stopped(algo: str, tmp_path: Path) -> None:
    train: Callable[..., Any] = lambda **more: train_agent(  # noqa: E731
        "HNNPendulum-v0", algo, recipe=TINY[algo], folder=tmp_path, save_every=0, **more
    )
    with pytest.raises(KeyboardInterrupt):
        train(callback=Kill(200))
    assert (tmp_path / UNFINISHED).exists()
    with pytest.raises(InputError, match="other settings"):
        train(seed=1)
    steps = Steps()
    agent = train(callback=[steps])
    assert steps.seen[0] == 204
    assert steps.seen[-1] == agent.num_timesteps
    assert 400 <= agent.num_timesteps < 400 + 64  # PPO ends with its last rollout
    again = Steps()
    train(callback=[again])
    assert again.seen == []  # steps that are trained but not yet saved are not trained again
    save_agent(tmp_path, agent, algo=algo, recipe=TINY[algo])
    assert not (tmp_path / UNFINISHED).exists()
    if isinstance(agent, SAC):
        assert agent.replay_buffer.pos * 4 > 300  # type: ignore[union-attr]  # the earlier dreams are there


def test_a_resumed_training_has_its_saved_weights_optimisers_and_replay_buffer(tmp_path: Path) -> None:
    recipe = TINY["sac"]
    with pytest.raises(KeyboardInterrupt):
        train_agent("HNNPendulum-v0", "sac", recipe=recipe, folder=tmp_path, callback=Kill(300))
    saved: dict[str, Any] = {}

    class Look(BaseCallback):
        def _on_training_start(self) -> None:
            agent = self.model
            saved["temperature"] = float(agent.log_ent_coef.detach())  # type: ignore[attr-defined]
            saved["updates"], saved["moments"] = agent._n_updates, agent.actor.optimizer.state_dict()["state"]  # type: ignore[union-attr]
            saved["rewards"] = agent.replay_buffer.rewards.copy()  # type: ignore[attr-defined]

        def _on_step(self) -> bool:
            return True

    train_agent("HNNPendulum-v0", "sac", recipe=recipe, folder=tmp_path, callback=Look())
    assert saved["temperature"] != 0.0
    assert saved["updates"] > 0
    assert len(saved["moments"]) > 0
    assert (saved["rewards"][:74] != 0).all()


def test_reports_callbacks_and_tensorboard_reach_the_caller(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hnn_gym.agents.sb3.time.monotonic", iter(range(100_000)).__next__)
    reported: list[int] = []
    train_agent("HNNPendulum-v0", "ppo", recipe=TINY["ppo"], report=lambda steps, _: reported.append(steps))
    assert reported[-1] == 448
    train_agent("HNNPendulum-v0", "ppo", recipe=TINY["ppo"], tensorboard=tmp_path)
    assert list(tmp_path.rglob("events*"))


def test_bumps_and_other_arguments_reach_the_dream() -> None:
    agent = train_agent("HNNPendulum-v0", "ppo", recipe=TINY["ppo"], env_kwargs={"actions": "bump", "bump_limit": 0.5})
    assert agent.action_space.high.tolist() == [0.5]  # type: ignore[attr-defined]
    world = resolve_world("HNNSpring-v0")
    assert train_agent(world, "ppo", recipe=TINY["ppo"]).observation_space.shape == (2,)


class Ends(BaseCallback):
    """Notes the share of the training at which dreams ended, how long they were, and whether that was their limit."""

    def __init__(self, steps: int) -> None:
        super().__init__()
        self.steps = steps
        self.seen: list[tuple[float, int, bool]] = []

    def _on_step(self) -> bool:
        for info in self.locals["infos"]:
            if "episode" in info:
                share = self.num_timesteps / self.steps
                self.seen.append((share, info["episode"]["l"], info["TimeLimit.truncated"]))
        return True


class Rewards(BaseCallback):
    """Notes rewards."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[np.ndarray] = []

    def _on_step(self) -> bool:
        self.seen.append(self.locals["rewards"].copy())
        return True


@pytest.mark.parametrize("algo", ["ppo", "sac"])
def test_dreams_get_longer_during_the_training(algo: str) -> None:
    recipe = replace(TINY[algo], steps=800, horizons=((0.1, 5), (0.5, 25)))
    ends = Ends(800)
    train_agent("HNNPendulum-v0", algo, recipe=recipe, callback=ends, env_kwargs={"starts": OBSERVATIONS})
    assert len(ends.seen) > 4 * 2
    for share, length, truncated in ends.seen:
        assert truncated  # so that the critic estimates the rest, which would otherwise count as 0
        assert length <= horizon_at(recipe.horizons, share)
    assert max(length for share, length, _ in ends.seen if share <= 0.1) == 5
    assert {length for share, length, _ in ends.seen if share > 0.7} == {25}


def test_a_resumed_training_keeps_the_length_of_its_dreams(tmp_path: Path) -> None:
    recipe = replace(TINY["sac"], horizons=((0.0, 2), (0.5, 20)))
    with pytest.raises(KeyboardInterrupt):
        train_agent("HNNPendulum-v0", "sac", recipe=recipe, folder=tmp_path, callback=Kill(200))
    ends = Ends(400)
    agent = train_agent("HNNPendulum-v0", "sac", recipe=recipe, folder=tmp_path, callback=ends)
    lengths = [length for _, length, _ in ends.seen]
    assert max(lengths) == 20
    assert sum(length <= 2 for length in lengths) < 2  # copies begin within the limit and are not cut at once
    save_agent(tmp_path, agent, algo="sac", recipe=recipe)
    load_sb3_agent(tmp_path)


def test_horizons_are_linear_between_their_points_and_invalid_ones_are_refused() -> None:
    assert [horizon_at(((0.1, 10), (0.5, 50)), share) for share in (0.0, 0.1, 0.3, 0.5, 1.0)] == [10, 10, 30, 50, 50]
    for bad in (((0.5, 10), (0.1, 20)), ((0.0, 0),), ((-0.1, 5),), ((0.2, 5), (1.5, 9)), (10, 200), ((0.1, "ten"),)):
        with pytest.raises(InputError, match="share of the training"):
            AgentRecipe(4, 100, 1e-3, horizons=bad)  # type: ignore[arg-type]


def test_an_agent_is_trained_in_an_ensemble_and_its_disagreement_reduces_the_reward(tmp_path: Path) -> None:
    dataset = record_steps(gymnasium.make("Pendulum-v1"), steps=40, seed=0)
    fit = FitSettings(adam_steps=2, lbfgs_steps=2)
    worlds = train_ensemble(dataset, "mechanical", members=2, settings=fit, options={"hidden": (4,)})
    first_rewards = []
    for price in (0.0, 10.0):
        watch = Rewards()
        doubtful = {"disagreement_penalty": price}
        train_agent(
            worlds, "ppo", recipe=TINY["ppo"], env_kwargs=doubtful, callback=watch, folder=tmp_path / str(price)
        )
        first_rewards.append(np.array(watch.seen[:10]))  # before the agent has learned anything
    assert (first_rewards[1] < first_rewards[0]).all()
    train: Callable[..., Any] = lambda members: train_agent(  # noqa: E731
        members, "ppo", recipe=TINY["ppo"], env_kwargs=doubtful, folder=tmp_path / "10.0"
    )
    with pytest.raises(InputError, match="other settings"):  # another ensemble is another training
        train([worlds[0], worlds[0]])


def test_invalid_trainings_and_files_are_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="choose from a2c"):
        train_agent("HNNPendulum-v0", "trpo")
    with pytest.raises(InputError, match="nonsense"):
        train_agent("HNNPendulum-v0", "ppo", recipe=AgentRecipe(4, 100, 1e-3, arguments={"nonsense": 1}))
    with pytest.raises(MissingPathError, match="nowhere"):
        train_agent(tmp_path / "nowhere")
    with pytest.raises(MissingPathError, match="nowhere"):
        load_sb3_agent(tmp_path / "nowhere")
    agent = train_agent("HNNPendulum-v0", "ppo", recipe=TINY["ppo"])
    agent.save(tmp_path / "foreign.zip")
    with pytest.raises(InputError, match="can hold code"):
        load_sb3_agent(tmp_path / "foreign.zip")
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match=r"no agent\.json"):
        load_sb3_agent(tmp_path / "empty")
    save_agent(tmp_path / "agent", agent, algo="ppo", recipe=TINY["ppo"])
    with pytest.raises(ExistingPathError, match="overwrite"):
        save_agent(tmp_path / "agent", agent, algo="ppo", recipe=TINY["ppo"])
    save_agent(tmp_path / "agent", agent, algo="ppo", recipe=TINY["ppo"], overwrite=True)
    agent.save(tmp_path / "agent" / "policy.zip")  # another file in its place
    with pytest.raises(InputError, match="not what its card describes"):
        load_sb3_agent(tmp_path / "agent")


def test_a_card_of_another_network_than_the_zip_is_refused(tmp_path: Path) -> None:
    agent = train_agent("HNNPendulum-v0", "ppo", recipe=TINY["ppo"])
    save_agent(tmp_path, agent, algo="ppo", recipe=replace(TINY["ppo"], hidden=(9,)))
    with pytest.raises(InputError, match="does not describe"):
        load_sb3_agent(tmp_path)
    (tmp_path / "agent.json").write_text("{}")
    with pytest.raises(InputError, match="not the card of an agent"):
        load_sb3_agent(tmp_path)
