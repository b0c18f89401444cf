"""Transfer from the learned world to the real environment: the measurements, the report, and the command."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import pytest
import torch
from PIL import Image

import hnn_gym
from hnn_gym.agents import sb3, train, transfer_report
from hnn_gym.agents.agent_checkpoint import UNFINISHED
from hnn_gym.agents.evaluate import play_episodes
from hnn_gym.agents.load import load_agent
from hnn_gym.agents.shac_policy import ShacPolicy
from hnn_gym.agents.transfer import Transfer, dream_episodes, measure_transfer
from hnn_gym.agents.transfer_report import FIGURE, FILM, write_transfer
from hnn_gym.envs import LatentObservation
from hnn_gym.envs.batch import Batch
from hnn_gym.envs.build import build_simulator
from hnn_gym.envs.core import Simulator
from hnn_gym.envs.shipped import resolve_world
from hnn_gym.errors import ExistingPathError, InputError, MissingPathError
from hnn_gym.systems import PendulumSwingUp


class Swinger:
    """Pushes along the velocity, which is the last entry, or the last two."""

    def __init__(self, size: int = 1) -> None:
        self.size = size

    def predict(self, observation: np.ndarray, state: Any = None, **_: Any) -> tuple[np.ndarray, Any]:
        return np.clip(observation[:, -self.size :], -1, 1), state


@pytest.fixture(scope="module")
def transfer() -> Transfer:
    return measure_transfer(Swinger(), build_simulator("HNNPendulum-v0"), "Pendulum-v1", seeds=range(3))


def test_the_dream_of_the_true_world_equals_the_real_environment() -> None:
    simulator = build_simulator("TwoBody-v0")
    real = play_episodes(Swinger(2), "TwoBody-v0", seeds=range(4))
    dream = dream_episodes(Swinger(2), simulator, real.observation[0], steps=400)
    # It begins at the float32 observation: 1e-7 off, and this motion does not amplify that beyond 1e-4 of the return.
    np.testing.assert_allclose(dream.returns, real.returns, rtol=1e-3)
    np.testing.assert_array_equal(dream.lengths, real.lengths)
    same = measure_transfer(Swinger(2), simulator, "TwoBody-v0", seeds=range(4))
    assert same.errors[1].max() < 1e-6
    np.testing.assert_array_equal(same.energy_change["dream"], same.energy_change["real"])


def test_gap_errors_and_energy_change_compare_the_dream_with_the_real_environment(transfer: Transfer) -> None:
    np.testing.assert_allclose(transfer.gap, transfer.dream.returns - transfer.real.returns)
    assert set(transfer.errors) == {1, 10, 50}
    assert len(transfer.errors[1]) == 3 * 40  # every fifth of 200 steps
    assert len(transfer.errors[50]) == 3 * 31
    assert transfer.errors[1].max() < 1e-4  # the shipped world's own one-step error is 1e-6
    assert np.median(transfer.errors[50]) > np.median(transfer.errors[1])
    # The ripple of symplectic Euler, which the learned world should have too, to its 1.0001 of the shipped card.
    np.testing.assert_allclose(transfer.energy_change["dream"], transfer.energy_change["real"], rtol=1e-3)


def _bumped_pendulum(simulator: Simulator) -> hnn_gym.BumpByForce:
    return hnn_gym.BumpByForce(gymnasium.make("Pendulum-v1"), simulator.world)


def test_a_bump_report_has_every_part_and_its_predictions_answer_bumps_as_the_dream_does(tmp_path: Path) -> None:
    errors = {}
    for actions in ("bump", "bump-by-force"):
        simulator = build_simulator("HNNPendulum-v0", actions=actions)
        make = partial(_bumped_pendulum, simulator)
        bumped = measure_transfer(Swinger(), simulator, make, seeds=range(2))
        assert set(bumped.errors) == {1, 10, 50}
        assert np.isfinite(bumped.gap).all()
        errors[actions] = np.median(bumped.errors[1])
        write_transfer(tmp_path / actions, bumped, simulator, title="Bumps")
        page = (tmp_path / actions / "report.md").read_text()
        assert "| 1 step ahead |" in page
        assert "true-energy change" in page
        assert "An action is a request for energy." in page
        assert (tmp_path / actions / FILM).exists()
    # A bump that the dream grants at once is nearly all of the error; the learned world's own is 1e-6.
    assert errors["bump"] > 10 * errors["bump-by-force"]


def test_a_report_without_true_energy_or_film_says_why(transfer: Transfer, tmp_path: Path) -> None:
    known = build_simulator("HNNPendulum-v0")
    task = PendulumSwingUp()
    task.renderer = None
    unknown = replace(known, truth=None, task=task)
    write_transfer(tmp_path / "report", replace(transfer, energy_change={}), unknown, title="An own world")
    page = (tmp_path / "report" / "report.md").read_text()
    assert "true energy is not reported, because the true physics of this world is not known" in page
    assert "There is no film, because" in page
    assert not (tmp_path / "report" / FILM).exists()


def test_a_world_of_another_system_is_refused() -> None:
    with pytest.raises(InputError, match="learned from another system"):
        measure_transfer(Swinger(), build_simulator("HNNSpring-v0"), "Pendulum-v1", seeds=range(2))


def test_the_report_contains_numbers_page_figure_and_film(transfer: Transfer, tmp_path: Path) -> None:
    simulator = build_simulator("HNNPendulum-v0")
    write_transfer(tmp_path / "report", transfer, simulator, title="A swinger", about={"who": "me"})
    results = json.loads((tmp_path / "report" / "results.json").read_text())
    assert results["who"] == "me"
    assert results["gap"]["mean"] == pytest.approx(transfer.gap.mean())
    assert results["real_return"]["each"] == pytest.approx(transfer.real.returns.tolist())
    page = (tmp_path / "report" / "report.md").read_text()
    assert f"{transfer.real.returns.mean():.2f}" in page
    assert "| 1 step ahead |" in page
    with Image.open(tmp_path / "report" / FIGURE) as figure:
        assert figure.size[0] > 1000
    with Image.open(tmp_path / "report" / FILM) as film:
        assert film.n_frames == 10  # type: ignore[attr-defined]  # every 21st of 201 moments
    write_transfer(tmp_path / "report", transfer, simulator, title="Again")  # which replaces the one before


@pytest.fixture
def settings(tmp_path: Path) -> train.TrainAgentSettings:
    return train.TrainAgentSettings(
        world="HNNPendulum-v0", evaluate_on="Pendulum-v1", algo="ppo", num_envs=4, steps=256, episodes=2,
        out=tmp_path / "agent",
    )  # fmt: skip


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    short = replace(sb3.RECIPES["ppo"], hidden=(8,), arguments={"n_steps": 16, "batch_size": 64, "n_epochs": 1})
    monkeypatch.setitem(sb3.RECIPES, "ppo", short)
    monkeypatch.setattr(transfer_report, "_FRAMES", 10)


def test_the_command_trains_saves_and_reports(settings: train.TrainAgentSettings) -> None:
    transfer = train.train(settings)
    assert transfer.real.returns.shape == (2,)
    assert (settings.out / "transfer" / FILM).exists()
    again = measure_transfer(load_agent(settings.out), build_simulator("HNNPendulum-v0"), "Pendulum-v1", seeds=range(2))
    np.testing.assert_array_equal(again.real.returns, transfer.real.returns)
    with pytest.raises(ExistingPathError, match="holds an agent"):
        train.train(settings)
    train.train(replace(settings, overwrite=True, seed=1))


def test_the_same_command_resumes_where_it_was_killed(
    settings: train.TrainAgentSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = train.measure_transfer

    def killed(*_: Any, **__: Any) -> Transfer:
        raise KeyboardInterrupt

    monkeypatch.setattr(train, "measure_transfer", killed)
    with pytest.raises(KeyboardInterrupt):
        train.train(settings)
    monkeypatch.setattr(train, "measure_transfer", original)
    before = (settings.out / "policy.zip").read_bytes()
    with pytest.raises(ExistingPathError, match="holds an agent"):
        train.train(replace(settings, seed=1))
    (settings.out / UNFINISHED).write_bytes(b"what a kill leaves after the agent's card is written")
    train.train(settings)
    assert not (settings.out / UNFINISHED).exists()
    assert (settings.out / "policy.zip").read_bytes() == before
    assert (settings.out / "transfer" / "report.md").exists()


def test_the_command_trains_shac_agents_and_agents_that_act_by_bumps(settings: train.TrainAgentSettings) -> None:
    train.train(replace(settings, algo="shac", steps=1000))
    assert json.loads((settings.out / "agent.json").read_text())["threads"] == torch.get_num_threads()
    assert isinstance(load_agent(settings.out), ShacPolicy)
    train.train(replace(settings, actions="bump", out=settings.out.with_name("bumped")))
    assert "An action is a request for energy." in (settings.out.with_name("bumped") / "transfer/report.md").read_text()
    spring = replace(settings, world="HNNSpring-v0", evaluate_on=None, out=settings.out.with_name("spring"))
    assert train.train(spring).real.observation.shape == (201, 2, 2)


def test_the_real_environment_is_made_with_the_arguments_of_the_recorded_one(
    settings: train.TrainAgentSettings,
) -> None:
    recorded = hnn_gym.record_steps(gymnasium.make("Pendulum-v1", g=2.0), steps=60, seed=0)
    world = settings.out.with_name("light")
    hnn_gym.train_world(recorded, settings=hnn_gym.FitSettings(adam_steps=2, lbfgs_steps=2)).save(world)
    real = train.train(replace(settings, world=str(world), evaluate_on=None)).real
    light = gymnasium.make("Pendulum-v1", g=2.0)
    light.reset(seed=0)
    after, *_ = light.step(real.action[0, 0])
    np.testing.assert_array_equal(real.observation[1, 0], after)


def test_an_environment_whose_arguments_no_card_can_hold_must_be_named(own: train.TrainAgentSettings) -> None:
    recorded = hnn_gym.record_steps(gymnasium.make("Spring-v0", reward=lambda o, f, n: n[..., 0]), steps=60, seed=0)
    world = own.out.with_name("own")
    hnn_gym.train_world(recorded, settings=hnn_gym.FitSettings(adam_steps=2, lbfgs_steps=2)).save(world)
    with pytest.raises(
        InputError, match=r"Spring-v0 cannot be made with the arguments it was recorded with.*give --evaluate-on"
    ):
        train.train(replace(own, world=str(world), evaluate_on=None))


def test_the_agent_of_a_world_learned_from_frames_acts_in_the_real_environment_by_frames_alone(
    settings: train.TrainAgentSettings,
) -> None:
    transfer = train.train(replace(settings, world="HNNPixelPendulum-v0", evaluate_on=None))
    seen = LatentObservation(gymnasium.make("Pendulum-v1", render_mode="rgb_array"), "HNNPixelPendulum-v0")
    first, _ = seen.reset(seed=1)
    np.testing.assert_array_equal(transfer.real.observation[0, 1], first)  # and not the simulator's (cos, sin, speed)
    assert (settings.out / "transfer" / FILM).exists()


@pytest.mark.usefixtures("own_ids")
@pytest.mark.parametrize("actions", ["force", "bump", "bump-by-force"])
def test_a_module_of_the_user_may_register_the_environment_to_evaluate_on(
    settings: train.TrainAgentSettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, actions: Any
) -> None:
    entry = "gymnasium.envs.classic_control.pendulum:PendulumEnv"
    module = f"import gymnasium\ngymnasium.register('Mine-v0', {entry!r}, max_episode_steps=30)\n"
    (tmp_path / "own_environment.py").write_text(module)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    monkeypatch.delitem(sys.modules, "own_environment", raising=False)
    transfer = train.train(replace(settings, evaluate_on="own_environment:Mine-v0", actions=actions))
    assert (transfer.real.lengths == 30).all()


@pytest.mark.parametrize(
    ("change", "error", "words"),
    [
        ({"evaluate_on": "no_such_module:Mine-v0"}, InputError, "no_such_module"),
        ({"world": "nowhere"}, MissingPathError, "nowhere"),
        ({"evaluate_on": "Nowhere-v0"}, InputError, "Nowhere-v0"),
        ({"evaluate_on": "Spring-v0"}, InputError, "needs observations"),
        ({"evaluate_on": "IdealPendulum-v0"}, InputError, "actions lie in"),
        ({"world": "HNNThreeBody-v0", "evaluate_on": "TwoBody-v0"}, InputError, "needs observations"),
        ({"actions": "force+bump"}, InputError, "has no energy bumps beside its forces"),
        ({"num_envs": -1}, InputError, "num-envs"),
        ({"world": "HNNPixelPendulum-v0", "actions": "bump"}, InputError, "that observes frames acts by force"),
        ({"world": "HNNPixelPendulum-v0", "evaluate_on": "Spring-v0"}, InputError, "actions lie in"),
    ],
)
def test_arguments_that_do_not_fit_are_refused_before_any_training(
    settings: train.TrainAgentSettings, change: dict[str, Any], error: type[Exception], words: str
) -> None:
    with pytest.raises(error, match=words):
        train.train(replace(settings, **change))
    assert not (settings.out / "agent.json").exists()


REWARDS = """
import numpy as np
import torch

three = 3

def upright(observation, force, next_observation):
    return next_observation[..., 0] - 0.01 * force[..., 0] ** 2

def lying(observation, force, next_observation):
    return -upright(observation, force, next_observation)

def of_numpy(observation, force, next_observation):
    return np.cos(next_observation[..., 0])

def answers_in_numpy(observation, force, next_observation):
    return np.asarray(getattr(next_observation, "detach", lambda: next_observation)()[..., 0])

def of_torch(observation, force, next_observation):
    return torch.cos(next_observation[..., 0])

def of_one_state(observation, force, next_observation):
    return next_observation[0]

def of_two(observation, next_observation):
    return next_observation[..., 0]
"""


@pytest.fixture
def own(
    settings: train.TrainAgentSettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> train.TrainAgentSettings:
    """Settings for a world of an unknown environment, with a module of rewards in the working directory."""
    world = resolve_world("HNNPendulum-v0")
    card = json.loads(json.dumps(world.card))
    card["data"]["provenance"]["env_id"] = "Homemade-v0"
    replace(world, card=card).save(tmp_path / "world")
    (tmp_path / "own_rewards.py").write_text(REWARDS)
    (tmp_path / "own_broken.py").write_text("import not_there_at_all\n")
    for name in ("own_rewards", "own_broken"):  # of another test, in another folder
        monkeypatch.delitem(sys.modules, name, raising=False)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    monkeypatch.chdir(tmp_path)
    return replace(settings, world="world", reward="own_rewards:upright")


def test_a_world_whose_reward_is_unknown_is_refused(own: train.TrainAgentSettings) -> None:
    with pytest.raises(InputError, match=r"reward of this world is unknown: .* --reward module:f"):
        train.train(replace(own, reward=None))


@pytest.mark.parametrize("algo", ["ppo", "shac"])
def test_a_named_reward_is_used_in_the_training_and_in_the_report(
    own: train.TrainAgentSettings, monkeypatch: pytest.MonkeyPatch, algo: Any
) -> None:
    dreamt: list[tuple[np.ndarray, ...]] = []  # reward, observation and force, of SHAC's windows and of the report
    trained: list[tuple[np.ndarray, ...]] = []  # the same of the steps of stable-baselines3
    transition, advance = Simulator.transition, Batch.advance

    def transition_noted(self: Simulator, *arguments: Any) -> Any:
        step = transition(self, *arguments)
        seen = self.world.coordinates.observation(step.q, step.v)
        dreamt.append(tuple(np.asarray(part.tolist()) for part in (step.reward, seen, step.force)))
        return step

    def advance_noted(self: Batch, *arguments: Any) -> Any:
        outcome, truncated = advance(self, *arguments)
        trained.append(tuple(np.array(part) for part in (outcome.reward, outcome.observation, outcome.force)))
        return outcome, truncated

    monkeypatch.setattr(Simulator, "transition", transition_noted)
    monkeypatch.setattr(Batch, "advance", advance_noted)
    transfer = train.train(replace(own, algo=algo))
    steps = {"ppo": trained, "shac": dreamt}[algo]
    assert len(steps) >= 256 // 4  # the training
    for reward, seen, force in dreamt + trained:
        np.testing.assert_allclose(reward, seen[..., 0] - 0.01 * force[..., 0] ** 2, atol=1e-6)  # float32
    seen, force = transfer.dream.observation[1:], transfer.dream.action.clip(-2, 2)
    np.testing.assert_allclose(transfer.dream.reward, seen[..., 0] - 0.01 * force[..., 0] ** 2, atol=1e-6)
    assert (transfer.real.reward <= 0).all()  # the real environment keeps its own reward
    reward = json.loads((own.out / "agent.json").read_text())["asked"]["reward"]
    assert reward == {"function": "own_rewards:upright", "sha256": hashlib.sha256(REWARDS.encode()).hexdigest()}


@pytest.mark.parametrize("algo", ["ppo", "shac"])
def test_a_training_with_a_named_reward_resumes_only_with_the_same_file(
    own: train.TrainAgentSettings, monkeypatch: pytest.MonkeyPatch, algo: Any
) -> None:
    def killed(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    own = replace(own, algo=algo)
    with monkeypatch.context() as patch:
        patch.setattr(sb3, "save_agent", killed)
        patch.setattr(ShacPolicy, "save", killed)
        with pytest.raises(KeyboardInterrupt):
            train.train(own)
    unfinished = (own.out / UNFINISHED).read_bytes()
    with pytest.raises(InputError, match="other settings"):
        train.train(replace(own, reward="own_rewards:lying"))
    Path("own_rewards.py").write_text(REWARDS.replace("0.01", "0.02"))
    with pytest.raises(InputError, match="other settings"):
        train.train(own)
    assert (own.out / UNFINISHED).read_bytes() == unfinished
    Path("own_rewards.py").write_text(REWARDS)
    train.train(own)
    assert not (own.out / UNFINISHED).exists()


def test_an_agent_whose_report_is_missing_gets_it_only_with_the_same_reward(
    own: train.TrainAgentSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(*_: Any, **__: Any) -> Transfer:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(train, "measure_transfer", killed)
        with pytest.raises(KeyboardInterrupt):
            train.train(own)
    with pytest.raises(ExistingPathError, match="holds an agent"):
        train.train(replace(own, reward="own_rewards:lying"))
    train.train(own)
    assert (own.out / "transfer" / "report.md").exists()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"reward": "own_rewards"}, "must be module:function, such as .*, not 'own_rewards'"),
        ({"reward": "own_rewards.py:upright"}, "must be module:function"),
        ({"reward": "nowhere.at_all:upright"}, "there is no module 'nowhere' in .* or installed"),
        ({"reward": "own_broken:upright"}, "'own_broken' cannot be imported .*No module named 'not_there_at_all'"),
        ({"reward": "own_rewards:upwrong"}, "the module 'own_rewards' has no 'upwrong'"),
        ({"reward": "own_rewards:three"}, r"is 3: it must be a function f\(observation, force, next_observation\)"),
        ({"reward": "own_rewards:of_one_state"}, r"The rewards of 4 states must have the shape \(4,\)"),
        ({"reward": "own_rewards:of_two"}, "fails on 4 states .*takes 2 positional arguments but 3 were given"),
        ({"reward": "own_rewards:of_torch"}, "a row of a numpy.ndarray .*TypeError.*namespace"),
        ({"reward": "own_rewards:of_numpy", "algo": "shac"}, "a row of a torch.Tensor .*RuntimeError.*namespace"),
        ({"reward": "own_rewards:answers_in_numpy", "algo": "shac"}, "of torch.Tensor is a numpy.ndarray: write"),
    ],
)
def test_a_reward_that_cannot_be_used_is_refused_before_any_training(
    own: train.TrainAgentSettings, change: dict[str, Any], words: str
) -> None:
    before = list(sys.path)
    with pytest.raises(InputError, match=words):
        train.train(replace(own, **change))
    assert not own.out.exists()
    assert sys.path == before


def test_the_command_line_reports_an_error_in_one_line(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "hnn_gym.agents.train", "--world", "nowhere", "--out", str(tmp_path / "agent")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert len(done.stderr.strip().splitlines()) == 1
    assert "nowhere" in done.stderr
