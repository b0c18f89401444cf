"""The study on tiny settings, whose figures mean nothing: it stores, resumes and reports its results."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import pytest
from rich.console import Console

from experiments.planners import Settings as PlannerSettings
from experiments.planners import measure, summary
from experiments.sample_efficiency import command, contenders
from experiments.sample_efficiency import model_free as model_free_module
from experiments.sample_efficiency.choosing import Candidate, Progress, error_of, search
from experiments.sample_efficiency.command import Panel, Settings, cell_key, choice_key, study, tried
from experiments.sample_efficiency.contenders import Choice
from experiments.sample_efficiency.model_free import agent_key, model_free
from experiments.sample_efficiency.page import cells, figure, page
from hnn_gym import InputError
from hnn_gym.agents.dynamic_programming import Grid
from hnn_gym.evaluation import plots
from hnn_gym.studies import Results

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    return Settings(
        out=tmp_path_factory.mktemp("study") / "study.json",
        panels=(Panel(0.05, (40,)), Panel(0.0, (30,))),
        contenders=("HNN",),
        seeds=(0, 1),
        starts=(0, 1, 2),
        grid=Grid(positions=41, velocities=31, actions=5),
        drift_steps=20,
        tuning_seeds=(1000,),
        held_out_steps=60,
    )


@pytest.fixture(scope="module")
def results(tiny: Settings) -> Results:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(contenders.Choice, "settings", _quick)
        patch.setattr(command, "error_of", lambda name, noise, candidate, **_: _valley(candidate))
        return study(tiny, console=Console(quiet=True))


def _quick(self: Choice, noise: float, steps: int, *, seed: int = 0) -> contenders.FitSettings:
    loss = "shooting" if noise else "prediction"
    return contenders.FitSettings(
        loss=loss, horizon=10 if noise else 1, decay=self.decay, adam_steps=2, lbfgs_steps=0, seed=seed
    )


def _valley(candidate: Candidate) -> float:
    """An error that is least at 1e-14 and 64 units."""
    return 1.0 + abs(candidate.decade + 14) + abs(math.log2(candidate.width) - 6)


def test_every_cell_is_measured_with_noisy_observations_too(results: Results) -> None:
    found = cells(results)
    assert set(found) == {(0.05, 40, "HNN"), (0.0, 30, "HNN")}
    for (noise, _, _), seeds in found.items():
        assert len(seeds) == 2
        for cell in seeds:
            assert len(cell["returns"]) == 3
            assert ("noisy_returns" in cell) == ("filtered_returns" in cell) == (noise > 0)
            assert cell.get("noisy_returns") != cell.get("filtered_returns") or noise == 0
            assert len(cell["drift_J"]) == 20
    assert list(results.below("true dynamics/")) == ["0.05"]


def test_a_finished_study_measures_nothing_again(
    tiny: Settings, results: Results, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(command, "measured", pytest.fail)
    monkeypatch.setattr(command, "error_of", pytest.fail)
    assert study(tiny, console=Console(quiet=True)).below("cell/") == results.below("cell/")


def test_a_cell_that_was_measured_with_another_choice_is_measured_again(
    tiny: Settings, results: Results, monkeypatch: pytest.MonkeyPatch
) -> None:
    key, again = cell_key(0.05, 40, "HNN", 1), []
    kept = results[key]
    results[key] = {**kept, "choice": {**kept["choice"], "hidden": 1}}
    monkeypatch.setattr(command, "measured", lambda *arguments, **options: again.append(options["seed"]) or kept)
    assert study(tiny, console=Console(quiet=True))[key] == kept
    assert again == [1]


def _searched(name: str, noise: float, valley: Callable[[Candidate], float]) -> tuple[Candidate, set[Candidate]]:
    """What a search chooses, and all that it tries."""
    errors: dict[Candidate, float] = {}
    while missing := search(name, noise, errors).to_try:
        errors |= {candidate: valley(candidate) for candidate in missing}
    chosen = search(name, noise, errors).best
    assert chosen is not None
    return chosen, set(errors)


def test_a_choice_has_four_neighbours_that_were_tried_and_none_of_them_is_better() -> None:
    chosen, tried = _searched("HNN", 0.0, _valley)
    assert chosen == Candidate(-14, 64)
    assert set(chosen.neighbours().values()) <= tried
    assert all(_valley(one) > _valley(chosen) for one in chosen.neighbours().values())
    assert chosen.choice(0.0) == Choice(1e-14, 64, 1)
    assert chosen.choice(0.1).decay == pytest.approx(1e-16)  # a share of the variance of the noise


def test_a_search_does_not_follow_decays_that_change_nothing() -> None:
    """Less decay lowers this error by less than one per cent a step from 1e-15 on, and never ends doing so."""
    chosen, tried = _searched("HNN", 0.0, lambda one: 1 + 10.0 ** (one.decade + 13) + abs(math.log2(one.width) - 5))
    assert chosen == Candidate(-15, 32)
    assert min(one.decade for one in tried) == -16


def test_the_error_of_a_candidate_is_that_of_predictions_of_another_recording(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(contenders.Choice, "settings", _quick)
    measure = partial(error_of, "HNN", 0.0, Candidate(-12, 2), steps=30, held_out_steps=60)
    both = [measure(seeds=(seed,)) for seed in (1000, 1001)]
    assert measure(seeds=(1000, 1001)) == pytest.approx(np.mean(both))
    assert 1e-3 < min(both) < max(both)


def test_no_network_of_more_than_4096_units_is_tried() -> None:
    chosen, tried = _searched("first-order MLP", 0.2, lambda one: 1 / one.width + abs(one.decade))
    assert chosen.width == max(one.width for one in tried) == 4096


def test_every_stored_choice_is_where_the_search_ends_or_the_page_says_that_it_has_not_ended() -> None:
    stored, unfinished = Results(ROOT / "docs/results/sample_efficiency.json", command=command.COMMAND), 0
    for place, choice in stored.below("choice/").items():
        noise, steps, name = place.split("/")
        found = search(name, float(noise), tried(stored, float(noise), int(steps), name))
        chosen = Candidate.of(Choice(**choice), float(noise))
        assert chosen.choice(float(noise)) == Choice(**choice)
        if found != Progress(chosen, []):
            assert float(noise), place
            unfinished += 1  # the page says so
    assert f"**In {unfinished} of the" in (ROOT / "docs/sample-efficiency.md").read_text() or not unfinished
    for key, cell in stored.below("cell/").items():
        noise, steps, name, _ = key.split("/")
        assert cell["choice"] == stored[choice_key(name, float(noise), int(steps))], key


def test_the_page_contains_every_row_and_the_figure_is_drawn(results: Results, tmp_path: Path) -> None:
    best, planned = np.array([-1.0, -2.0, -3.0]), np.array([-1.5, -2.0, -3.5])
    results[agent_key(0.0, "SAC", 100, 0)] = {"returns": [-10.0] * 3}
    results[agent_key(0.05, "SAC", 100, 0)] = {"returns": [-11.0] * 3, "noisy_returns": [-14.0] * 3}
    cell = page(results, best, planned)
    assert "from exact recordings, to the HNN in 1 of 1 rows;\nfrom noisy recordings, to the HNN in 1 of 1" in cell
    row = next(line for line in cell.splitlines() if line.startswith("| 5% | 40 | HNN"))
    losses = [np.mean(planned - np.array(results[cell_key(0.05, 40, "HNN", seed)]["returns"])) for seed in (0, 1)]
    assert f"| {np.mean(losses):.2f} | {np.median(losses):.2f} | {max(losses):.2f} |" in row
    noisy = cell.split("as noisy as")[1]
    row = next(line for line in noisy.splitlines() if line.startswith("| 5% | 40 | HNN"))
    for kind, columns in (("noisy_returns", slice(4, 7)), ("filtered_returns", slice(7, 10))):
        losses = [np.mean(planned - np.array(results[cell_key(0.05, 40, "HNN", seed)][kind])) for seed in (0, 1)]
        expected = [f"{value:.2f}" for value in (np.mean(losses), np.median(losses), max(losses))]
        assert [entry.strip() for entry in row.split("|")][columns] == expected
    assert noisy.count("| 5% | - | true dynamics |") == 1
    exact, noisy = cell.split("## Without a model")[1].split("as noisy as")
    assert "| 0% | SAC | 100 | 8.0 | 8.0 |" in exact
    assert "| 5% | SAC | 100 | 9.0 | 9.0 |" in exact
    assert "| 5% | SAC | 100 | 12.0 | 12.0 |" in noisy
    assert "| 0% | SAC" not in noisy
    plots.save(figure(results, best), tmp_path / "figure.png")
    assert (tmp_path / "figure.png").stat().st_size > 10_000


def test_a_diverged_fit_is_reported_as_such(tmp_path: Path) -> None:
    results = Results(None, command="python -m experiments.sample_efficiency")
    results[cell_key(0.0, 10, "HNN", 0)] = {"failed": "not finite"}
    assert "a fit diverged" in page(results, np.zeros(1), np.zeros(1))


@pytest.mark.parametrize("noise", [0.0, 0.05])
def test_model_free_agents_are_measured_at_their_milestones(noise: float, monkeypatch: pytest.MonkeyPatch) -> None:
    results = Results(None, command="python -m experiments.sample_efficiency")
    train = partial(model_free, results, noise=noise, seeds=(0,), starts=(0, 1), console=Console(quiet=True))
    train(agents=("SAC",), milestones={"SAC": (110, 120)})
    for count in (110, 120):
        cell = results[agent_key(noise, "SAC", count, 0)]
        assert [len(returns) for returns in cell.values()] == [2] * len(cell)
        assert set(cell) == ({"returns", "noisy_returns"} if noise else {"returns"})
        assert cell["returns"] != cell.get("noisy_returns")
    monkeypatch.setattr(model_free_module, "learn_for_real", pytest.fail)
    train(agents=("SAC",), milestones={"SAC": (110, 120)})  # nothing is trained again
    with pytest.raises(InputError, match="choose from SAC, TD3, PPO"):
        train(agents=("DQN",))


def test_model_free_agents_see_noise_and_are_rewarded_exactly(monkeypatch: pytest.MonkeyPatch) -> None:
    """Shown the environment that an agent gets: cosine and sine off the circle, the reward of the true state."""
    seen: list[float] = []

    def look(make_env: Callable[[], gymnasium.Env[Any, Any]], *_: object, **__: object) -> None:
        env = make_env()
        observation, _ = env.reset(seed=0)
        angle, speed = env.unwrapped.state  # type: ignore[attr-defined]
        _, reward, *_ = env.step(np.zeros(1, np.float32))
        seen.extend((abs(np.hypot(*observation[:2]) - 1), reward + angle**2 + 0.1 * speed**2))

    monkeypatch.setattr(model_free_module, "learn_for_real", look)
    results = Results(None, command="python -m experiments.sample_efficiency")
    model_free(results, noise=0.05, agents=("SAC",), seeds=(0,), starts=(0,), console=Console(quiet=True))
    assert seen[0] > 1e-4  # 0.05 N(0, 1); what a float32 leaves is below 1e-6
    assert seen[1] == pytest.approx(0.0, abs=1e-12)


def test_planners_are_compared_with_themselves_in_the_true_world(tmp_path: Path, tiny: Settings) -> None:
    study_file = tmp_path / "choices.json"
    Results(study_file, command="python -m experiments.sample_efficiency")[choice_key("HNN", 0.0, 30)] = {
        "decay": 1e-12,
        "hidden": 4,
        "horizon": 1,
    }
    settings = PlannerSettings(
        out=tmp_path / "planners.json",
        study=study_file,
        planners=("MPPI",),
        transitions=(30,),
        seeds=(0,),
        starts=(0,),
    )
    found = measure(settings, console=Console(quiet=True))
    true, learned = summary(found, np.zeros(1))
    assert learned["loss"][0] == pytest.approx(learned["regret"][0] - true["regret"][0])
    assert found["rate"]["decisions_per_second_median"] > 0
    with pytest.raises(InputError, match="no planner"):
        measure(PlannerSettings(out=tmp_path / "x.json", study=study_file, planners=("guess",)), console=Console())
    with pytest.raises(InputError, match="sample_efficiency"):
        measure(PlannerSettings(out=tmp_path / "x.json", study=tmp_path / "none.json"), console=Console())
