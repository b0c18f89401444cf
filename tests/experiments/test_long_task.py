"""The long task is the same in reality and in a dream, and the study stores, resumes and reports its results."""

from __future__ import annotations

from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from experiments.long_task import command
from experiments.long_task.cells import acted, own_energy, planned
from experiments.long_task.command import Settings, study
from experiments.long_task.page import cells, figure, page
from experiments.long_task.task import TARGET, EnergyHold, WeakMotor, true_energy
from experiments.sample_efficiency.command import Panel, cell_key, choice_key
from experiments.sample_efficiency.contenders import Choice, FitSettings
from hnn_gym import InputError
from hnn_gym.agents.dynamic_programming import Grid
from hnn_gym.agents.scripted import Idle
from hnn_gym.envs.core import Simulator
from hnn_gym.evaluation import plots
from hnn_gym.studies import Results
from hnn_gym.systems import true_world

PENDULUM = true_world("Pendulum-v1")


def test_the_real_task_and_the_dream_of_the_true_world_give_the_same_rewards() -> None:
    env, simulator = WeakMotor(steps=50), Simulator(PENDULUM, EnergyHold())
    observation, _ = env.reset(seed=3)
    q, v = np.split(np.array(env.unwrapped.state), 2)  # type: ignore[attr-defined]
    x, rng = PENDULUM.phase_point(q, v), np.random.default_rng(0)
    for step in range(50):
        action = rng.uniform(-0.02, 0.02, 1).astype(np.float32)
        observation, reward, _, truncated, _ = env.step(action)
        cell = simulator.transition(x, action.astype(np.float64))
        x = cell.x
        assert reward == pytest.approx(float(cell.reward), abs=1e-7)  # Gymnasium scales the torque in float32
        assert truncated == (step == 49)
    np.testing.assert_allclose(observation, PENDULUM.decode(x), atol=1e-6)  # observed in float32


def test_actions_beyond_the_limit_of_the_motor_are_clipped() -> None:
    strong, weak = WeakMotor(steps=2), WeakMotor(steps=2)
    for env, torque in ((strong, 2.0), (weak, 0.02)):
        env.reset(seed=0)
        env.step(np.array([torque], np.float32))
    np.testing.assert_array_equal(strong.unwrapped.state, weak.unwrapped.state)  # type: ignore[attr-defined]


def test_the_best_reward_is_at_the_target_energy_without_torque() -> None:
    horizontal, still = np.array([[np.pi / 2]]), np.zeros((1, 1))
    assert true_energy(horizontal, still) == pytest.approx(TARGET)
    reward = EnergyHold().reward
    assert reward(horizontal, still, still, horizontal, still) == pytest.approx(0)
    hanging, torque = np.array([[np.pi]]), np.array([[0.02]])
    assert reward(hanging, still, torque, hanging, still) == pytest.approx(-1.5)


def test_planning_with_the_true_dynamics_pumps_the_missing_energy() -> None:
    starts = (0, 2, 5)
    nothing = acted(Idle(EnergyHold.action_space), steps=800, starts=starts)
    policy = planned(PENDULUM, steps=800, grid=Grid(positions=151, velocities=121, actions=3), starts=starts)
    assert np.mean(policy["returns"]) > 0.9 * np.mean(nothing["returns"])
    assert len(policy["promised"]) == len(policy["energy_error_J"]) == 3


def test_own_energy_measures_the_loss_by_friction() -> None:
    assert np.abs(own_energy(PENDULUM)).max() < 2e-4  # the ripple of symplectic Euler, in J
    dynamics = replace(PENDULUM.dynamics, damping=np.array([0.002]))
    assert (own_energy(replace(PENDULUM, dynamics=dynamics)) < -2e-4).all()  # 0.002 v^2 dt: 0.6 mJ at 1 J


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    folder = tmp_path_factory.mktemp("long_task")
    choices = Results(folder / "choices.json", command="python -m experiments.sample_efficiency")
    for name in ("HNN", "second-order MLP"):
        choices[choice_key(name, 0.0, 30)] = asdict(Choice(decay=1e-8, hidden=4, horizon=1))
    return Settings(
        out=folder / "long.json",
        page=folder / "long.md",
        study=folder / "choices.json",
        panels=(Panel(0.0, (30,)),),
        seeds=(0, 1),
        starts=(0, 1, 2),
        steps=40,
        grid=Grid(positions=41, velocities=31, actions=3),
    )


@pytest.fixture(scope="module")
def results(tiny: Settings) -> Results:
    with pytest.MonkeyPatch.context() as patch:
        quick = FitSettings(adam_steps=2, lbfgs_steps=0)
        patch.setattr(Choice, "settings", lambda self, noise, steps, *, seed=0: replace(quick, seed=seed))
        command.main(tiny)
    return Results(tiny.out, command="python -m experiments.long_task")


def test_every_cell_is_measured_from_every_start(results: Results) -> None:
    found = cells(results)
    assert list(found) == [(0.0, 30)]
    assert list(found[0.0, 30]) == ["HNN", "second-order MLP"]
    for seeds in found[0.0, 30].values():
        assert sorted(seeds) == [0, 1]
        for cell in seeds.values():
            assert len(cell["returns"]) == len(cell["energy_error_J"]) == len(cell["promised"]) == 3


def test_a_finished_study_measures_nothing_again(
    tiny: Settings, results: Results, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(command, "planned", pytest.fail)
    assert study(tiny, console=Console(quiet=True)).below("cell/") == results.below("cell/")


def test_the_page_and_its_figure_are_written(tiny: Settings, results: Results) -> None:
    assert tiny.page.read_text() == page(results)
    assert tiny.page.with_suffix(".png").stat().st_size > 5_000


@pytest.fixture
def known() -> Results:
    """Losses of 0, 1 and 2 for the HNN, of 5, 0.5 and 2.5 for the MLP."""
    results = Results(None, command="python -m experiments.long_task")
    results["nothing"] = _cell(-50.0)
    results["true"] = _cell(-10.0)
    for name, losses in (("HNN", (0.0, 1.0, 2.0)), ("second-order MLP", (5.0, 0.5, 2.5))):
        for seed, loss in enumerate(losses):
            results[cell_key(0.05, 400, name, seed)] = _cell(-10.0 - loss)
    return results


def _cell(earned: float) -> dict[str, list[float]]:
    return {
        "returns": [earned - 1, earned + 1],
        "energy_error_J": [0.5, 0.7],
        "promised": [earned + 3] * 2,
        "own_energy_mJ": [-0.2, 0.1],
    }


def test_the_page_contains_the_worst_seed_and_the_number_of_seeds_on_which_the_hnn_earns_more(known: Results) -> None:
    cell = page(known).splitlines()
    row = "-12.67 | 2.67 | 2.50 | 5.00 | 0.60 | 0.20, 0.20 | 3 | on 2 of 3 seeds"
    assert f"| 400 transitions, 5% noise | second-order MLP | {row} |" in cell
    assert "| 400 transitions, 5% noise | second-order MLP | -15.00 | -10.50 | -12.50 |" in cell


def test_a_failed_fit_is_reported_and_counts_as_a_loss(known: Results, tmp_path: Path) -> None:
    known[cell_key(0.05, 400, "second-order MLP", 1)] = {"failed": "not finite"}
    cell = page(known)
    assert "1 of 3 fits failed" in cell
    assert "on 3 of 3 seeds" in cell
    plots.save(figure(known), tmp_path / "figure.png")


def test_an_unknown_contender_and_a_study_without_choices_are_refused(tiny: Settings, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no contender 'guess'"):
        study(replace(tiny, contenders=("guess",)), console=Console(quiet=True))
    with pytest.raises(InputError, match="sample_efficiency"):
        study(replace(tiny, study=tmp_path / "none.json"), console=Console(quiet=True))
