"""The study of Gymnasium's own physics: figures that can tell right from wrong, resumable cells, and its page."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import pytest
from rich.console import Console
from stable_baselines3 import PPO

from experiments.classic import command, model_free, twins
from experiments.classic.agents import PlannerRecipe
from experiments.classic.command import LEARNERS, Settings, study
from experiments.classic.figures import ends_apart, world_figures
from experiments.classic.page import page
from experiments.classic.tasks import TASKS
from hnn_gym.agents.evaluate import play_episodes
from hnn_gym.agents.sb3_real import Published
from hnn_gym.data import TransitionDataset, record_steps
from hnn_gym.envs.build import build_simulator
from hnn_gym.envs.shipped import resolve_world
from hnn_gym.errors import InputError
from hnn_gym.studies import Results

PUBLISHED = Path(__file__).parents[2] / "docs" / "results" / "classic.json"


@pytest.fixture(scope="module")
def cart_pole() -> TransitionDataset:
    """Real episodes that the shipped twin was not learned from."""
    dataset = record_steps(gymnasium.make("CartPole-v1"), steps=400, seed=5)
    return dataset.select(range(dataset.num_episodes - 1))


def test_the_shipped_twin_of_the_cart_pole_is_exact_by_the_recorded_scheme(cart_pole: TransitionDataset) -> None:
    found = world_figures(resolve_world("HNNCartPole-v0"), cart_pole)
    assert found["recorded"]["one_step"] < 1e-6  # observations are float32
    assert found["recorded"]["ends_apart"] == 0
    assert found["recorded"]["open_loop"] < found["symplectic"]["open_loop"]


def test_a_world_whose_poles_fall_at_another_rate_ends_episodes_elsewhere(cart_pole: TransitionDataset) -> None:
    world = resolve_world("HNNCartPole-v0")
    slow = replace(world, dt=0.6 * world.dt)
    assert ends_apart(slow, cart_pole, stepping="recorded") > len(cart_pole) / 2


def test_a_study_resumes_where_it_was_and_writes_its_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    task = replace(TASKS["MountainCar-v0"], transitions=300, fresh=2_200)
    quick = {name: replace(twin, fit={"adam_steps": 20, "lbfgs_steps": 20}) for name, twin in task.system.twins.items()}
    monkeypatch.setitem(command.TASKS, "MountainCar-v0", task)
    monkeypatch.setattr(command, "learned", lambda twin, dataset, seed: _learned(quick, twin, dataset, seed))
    settings = Settings(
        out=tmp_path / "classic.json", page=None, environments=("MountainCar-v0",), recordings=(0,), starts=2
    )
    results = study(settings, console=Console(quiet=True))
    assert {key.split("/")[0] for key in results.below("")} == {"world", "agent", "force", "start"}
    assert results["agent/MountainCar-v0/backward induction/HNN/symplectic/0"]["mean"] > -200  # the car arrives
    monkeypatch.setattr(command, "_world", lambda *args: pytest.fail("it is measured already"))
    text = page(study(settings, console=Console(quiet=True)))
    assert "| MountainCar-v0 | backward induction | 300 | HNN | symplectic |" in text
    assert "| MountainCar-v0 | network | recorded |" in text


def _page_of(means: list[float], *, promised: float) -> str:
    """The page of agents from the network's dreams of the swimmer, one for each recording."""
    name = TASKS["Swimmer-v5"].agents[0].name
    results = Results(None, command="python -m experiments.classic")
    for seed, mean in enumerate(means):
        cell = {"mean": mean, "worst": mean, "dream": promised, "wall_seconds": 1.0, "cpu_seconds": 1.0, "each": [mean]}
        results[f"agent/Swimmer-v5/{name}/network/recorded/{seed}"] = cell
    return page(results)


def test_the_page_says_first_where_the_network_reaches_the_bar_in_all_recordings() -> None:
    words = "dreams reach the bar in all recordings too in Swimmer-v5."
    assert words in _page_of([220.0, 230.0], promised=230.0)
    assert words not in _page_of([220.0, 200.0], promised=230.0)


def test_the_page_names_dreams_that_promise_far_more_than_the_real_return() -> None:
    assert "the agents earn 900, 900, and in reality 40, 30" in _page_of([40.0, 30.0], promised=900.0)
    assert "and in reality" not in _page_of([220.0, 230.0], promised=300.0)


def test_an_agent_of_the_real_environment_keeps_what_it_earned_before_it_was_stopped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tiny = Published(PPO, arguments={"n_steps": 8, "batch_size": 8, "n_epochs": 1}, normalized=True)
    monkeypatch.setitem(model_free.MODEL_FREE, ("Pendulum-v1", "PPO"), model_free.Measured(tiny, "none", (8, 16), 1))
    play, played = model_free.play_episodes, []

    def stopped(*arguments: Any, **options: Any) -> Any:
        played.append(play(*arguments, **options))
        if len(played) == 2:
            raise KeyboardInterrupt
        return played[-1]

    monkeypatch.setattr(model_free, "play_episodes", stopped)
    with pytest.raises(KeyboardInterrupt):
        model_free.model_free_figures("Pendulum-v1", "PPO", 0, 2, tmp_path)
    found = model_free.model_free_figures("Pendulum-v1", "PPO", 0, 2, tmp_path)
    assert set(found) == {"8", "16"}
    assert found["8"]["each"] == [pytest.approx(value, abs=0.01) for value in played[0].returns]
    assert len(found["16"]["each"]) == 2
    assert list(tmp_path.iterdir()) == []


def test_the_page_shows_every_training_in_the_real_environment() -> None:
    results = Results(None, command="python -m experiments.classic")
    for seed, mean in enumerate((999.0, 1000.0)):
        after = {"mean": mean, "worst": 990.0, "each": [mean]}
        results[f"model-free/InvertedPendulum-v5/PPO/{seed}"] = {str(n): after for n in (2_000, 5_000, 10_000)}
    agent, earned = "InvertedPendulum-v5 | PPO | ppo.yml, InvertedPendulum-v2", "999.0, 1,000.0 | 990.0 | 0%, 100%"
    assert f"| {agent} | 5,000 | {earned} | 1,500 |" in page(results).splitlines()


def _learned(quick, twin, dataset, seed):  # type: ignore[no-untyped-def]
    from experiments.shipped import learned

    name = next(name for name, other in TASKS["MountainCar-v0"].system.twins.items() if other is twin)
    return learned(quick[name], dataset, seed=seed)


def test_the_choice_of_a_recipe_takes_what_earns_most_in_the_dream(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    earned = {"horizon": 10, "weight": 8.0, "colour": 2.0, "std": 1.0, "rounds": 2}

    def dreamt(env_id: str, name: str, recipe: PlannerRecipe, seed: int) -> float:
        return sum(getattr(recipe, setting) == value for setting, value in earned.items())

    monkeypatch.setattr(command, "_dreamt", dreamt)
    settings = Settings(out=tmp_path / "classic.json", page=None, environments=("Acrobot-v1",), choose=True)
    results = study(settings, console=Console(quiet=True))
    chosen = results.below("chosen/Acrobot-v1/")
    assert set(chosen) == {agent.name for agent in TASKS["Acrobot-v1"].agents}
    assert all(earned.items() <= recipe.items() for recipe in chosen.values())
    assert not results.below("agent/")


def test_the_recipes_of_the_agents_are_the_chosen_ones() -> None:
    results = Results(PUBLISHED, command="python -m experiments.classic")
    for task in TASKS.values():
        for agent in task.agents:
            if agent.first is not None:
                assert results[f"chosen/{task.env_id}/{agent.name}"] == json.loads(json.dumps(asdict(agent.recipe)))


def test_energy_at_the_end_of_plans_swings_an_acrobot_up() -> None:
    world = resolve_world("HNNAcrobot-v0")
    agent = TASKS["Acrobot-v1"].agents[0]
    simulator = build_simulator(world, stepping="recorded")
    few = replace(agent, recipe=replace(agent.recipe, samples=32, rounds=1))
    assert play_episodes(few.policy(world, simulator, 0), "Acrobot-v1", seeds=range(2)).returns.min() > -120


def test_the_parts_of_the_force_add_up_and_tell_friction_from_the_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(twins, "_STATES", 60)
    world = resolve_world("HNNCartPole-v0")
    found = twins.force_figures("CartPole-v1")
    assert found["friction"] == 0.0
    assert found["residual"] < 1e-12
    rubbed = replace(world, dynamics=replace(world.dynamics, damping=np.array([1.0, 0.1])))
    monkeypatch.setattr(twins, "resolve_world", lambda name: rubbed)
    again = twins.force_figures("CartPole-v1")
    assert again["friction"] > 0.01
    assert again["residual"] < 1e-12


def test_the_starts_of_a_twin_are_the_real_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(twins, "_STARTS", 3)
    assert twins.start_figures("Acrobot-v1")["apart"] < 1e-5
    made = gymnasium.make
    monkeypatch.setattr(twins.gymnasium, "make", lambda name: Turned(made(name)) if name[0] == "H" else made(name))
    assert twins.start_figures("Acrobot-v1")["apart"] == pytest.approx(0.1, abs=1e-5)


class Turned(gymnasium.Wrapper):  # type: ignore[type-arg]
    def reset(self, **options):  # type: ignore[no-untyped-def]
        observation, info = super().reset(**options)
        return observation + 0.1, info


def test_a_joule_of_a_bump_is_a_joule_of_the_true_energy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(twins, "_STATES", 50)
    assert twins.bump_figures("Acrobot-v1")["worst"] < 1e-6
    wrong = resolve_world("HNNAcrobot-v0")
    heavier = {name: value + 0.1 if "diagonal" in name else value for name, value in wrong.parameters.items()}
    assert wrong.architecture is not None
    wrong = replace(wrong, parameters=heavier, dynamics=wrong.architecture.build(heavier))
    monkeypatch.setattr(twins, "resolve_world", lambda name: wrong)
    assert twins.bump_figures("Acrobot-v1")["error_of_95_percent"] > 0.05  # masses that are a fifth too large


@pytest.mark.parametrize("wrong", [{"environments": ("Pong-v0",)}, {"learners": ("magic",)}])
def test_unknown_environments_and_contenders_are_refused(wrong: dict[str, tuple[str, ...]]) -> None:
    with pytest.raises(InputError, match="choose from"):
        study(Settings(out=Path("nowhere.json"), **wrong), console=Console(quiet=True))


def test_every_contender_has_a_recipe_in_every_system() -> None:
    for task in TASKS.values():
        assert set(LEARNERS.values()) <= set(task.system.twins)


@pytest.mark.skipif(not PUBLISHED.is_file(), reason="the study has not been run")
def test_the_published_page_is_that_of_the_published_results() -> None:
    assert (PUBLISHED.parents[1] / "classic.md").read_text() == page(
        Results(PUBLISHED, command="python -m experiments.classic")
    )
