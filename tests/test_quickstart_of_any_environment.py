"""The quickstart of an environment whose physics is not known to the package, on tiny settings."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from pathlib import Path

import gymnasium
import imageio.v3 as imageio
import numpy as np
import pytest
from rich.console import Console

from hnn_gym.__main__ import quickstart
from hnn_gym.errors import InputError
from hnn_gym.evaluation.forecasts import forecasts_of
from hnn_gym.quickstart import any_environment
from hnn_gym.quickstart.any_environment import _recorded
from hnn_gym.quickstart.settings import QuickstartSettings
from hnn_gym.training import FitSettings
from hnn_gym.worlds.world_model import WorldModel

TINY = QuickstartSettings(
    env="CartPole-v1", model="mechanical", transitions=200, adam_steps=5, lbfgs_steps=10, film_steps=6
)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    out = tmp_path_factory.mktemp("quickstart") / "report"
    console = Console(file=io.StringIO(), width=80)
    quickstart(replace(TINY, out=out), console)
    return out, console.file.getvalue()  # type: ignore[attr-defined]


def test_the_report_contains_a_figure_a_film_text_numbers_and_worlds(run: tuple[Path, str]) -> None:
    out, printed = run
    assert {p.name for p in out.iterdir()} == {
        "forecasts.png",
        "side_by_side.gif",
        "report.md",
        "world.html",
        "results.json",
        "hnn",
        "baseline",
    }
    assert imageio.imread(out / "side_by_side.gif").shape[::2] == (7, 3 * 180)  # real, HNN and baseline
    assert imageio.imread(out / "forecasts.png").std() > 10  # something is drawn
    rows = [line.strip("│").split("│") for line in printed.splitlines() if line.startswith("│")]
    printed_rows = [f"| {' | '.join(cell.strip() for cell in row)} |" for row in rows]
    assert len(printed_rows) >= 5
    assert all(row in (out / "report.md").read_text().splitlines() for row in printed_rows)


def test_the_numbers_are_those_of_the_saved_worlds_on_fresh_steps(run: tuple[Path, str]) -> None:
    out, _ = run
    results = json.loads((out / "results.json").read_text())["rows"]
    fresh = _recorded(TINY, steps=2_000, seed=10_000)
    for name in ("HNN", "baseline"):
        world = WorldModel.load(out / name.lower())
        found = forecasts_of(world, fresh)
        assert found.one_step == pytest.approx(results[name]["one_step"], rel=1e-6)
        last = str(found.error.shape[1])
        assert np.median(found.error[:, -1]) == pytest.approx(results[name]["forecasts"][last]["median"], rel=1e-6)
    assert results["HNN"]["has_energy"]
    assert not results["baseline"]["has_energy"]


def test_the_learned_world_is_a_drop_in_for_the_real_one(run: tuple[Path, str]) -> None:
    env, real = gymnasium.make("HNN-v0", world_model=run[0] / "hnn"), gymnasium.make("CartPole-v1")
    assert (env.action_space, env.observation_space) == (real.action_space, real.observation_space)
    np.testing.assert_allclose(env.reset(seed=3)[0], real.reset(seed=3)[0], atol=1e-6)
    assert env.step(1)[1] == 1.0


class Unknown(gymnasium.Env):
    """A mass on a spring with two pushes, which no system declares and nothing draws."""

    dt = 0.1
    observation_space = gymnasium.spaces.Box(-np.inf, np.inf, (2,), np.float64)
    action_space = gymnasium.spaces.Discrete(2)

    def reset(self, *, seed=None, options=None):  # type: ignore[no-untyped-def]
        super().reset(seed=seed)
        self.q, self.v = self.np_random.uniform(-1.0, 1.0, 2)
        return np.array([self.q, self.v]), {}

    def step(self, action):  # type: ignore[no-untyped-def]
        self.v += 0.1 * ((1.0 if action else -1.0) - 2 * self.q)
        self.q += 0.1 * self.v
        return np.array([self.q, self.v]), -float(self.q**2), False, False, {}


def test_an_unknown_environment_is_inferred_its_structure_chosen_and_nothing_drawn(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gymnasium.register("QuickstartUnknown-v0", Unknown, max_episode_steps=50)
    brief = FitSettings(adam_steps=20, lbfgs_steps=0, least_squares_steps=4)
    monkeypatch.setattr(any_environment, "_FIT", brief)
    try:
        console = Console(file=io.StringIO(), width=80)
        settings = QuickstartSettings(env="QuickstartUnknown-v0", out=tmp_path / "report", transitions=300)
        results = quickstart(settings, console)
    finally:
        gymnasium.registry.pop("QuickstartUnknown-v0")
    printed, text = console.file.getvalue(), (tmp_path / "report" / "report.md").read_text()  # type: ignore[attr-defined]
    assert "velocity" in printed  # what was inferred, in sentences
    assert "semi-implicit-euler" in text
    assert "There is no film: the real environment cannot be drawn here" in text
    assert "\x1b" not in text
    assert results["rows"]["HNN"]["one_step"] < 1e-2


def test_an_environment_that_does_not_exist_is_refused_and_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="Nowhere-v0"):
        quickstart(QuickstartSettings(env="Nowhere-v0", out=tmp_path / "report"), Console(quiet=True))
    assert not list(tmp_path.iterdir())
