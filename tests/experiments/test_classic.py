"""The study of Gymnasium's own physics: figures that can tell right from wrong, resumable cells, and its page."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import gymnasium
import pytest
from rich.console import Console

from experiments.classic import command, twins
from experiments.classic.command import LEARNERS, Settings, study
from experiments.classic.figures import ends_apart, world_figures
from experiments.classic.page import page
from experiments.classic.tasks import TASKS
from hnn_gym.data import TransitionDataset, record_steps
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
    assert {key.split("/")[0] for key in results.below("")} == {"world", "agent"}
    assert results["agent/MountainCar-v0/HNN/symplectic/0"]["mean"] > -200  # the car arrives
    monkeypatch.setattr(command, "_world", lambda *args: pytest.fail("it is measured already"))
    text = page(study(settings, console=Console(quiet=True)))
    assert "| MountainCar-v0 | backward induction | 300 | HNN | symplectic |" in text
    assert "| MountainCar-v0 | network | recorded |" in text


def _learned(quick, twin, dataset, seed):  # type: ignore[no-untyped-def]
    from experiments.shipped import learned

    name = next(name for name, other in TASKS["MountainCar-v0"].system.twins.items() if other is twin)
    return learned(quick[name], dataset, seed=seed)


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
