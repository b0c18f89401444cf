"""The page of a world in a real browser, opened from a file with the network off."""

from __future__ import annotations

import re
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hnn_gym.envs.build import build_simulator
from hnn_gym.envs.shipped import resolve_pixel_world
from hnn_gym.errors import ExistingPathError, InputError
from hnn_gym.page import world_page, write_page
from hnn_gym.page.description import description, energy_zero
from hnn_gym.page.programs import world_programs
from hnn_gym.systems import Task
from hnn_gym.trace import scalar_code
from hnn_gym.worlds.world_model import WorldModel

LARGEST = ("HNNThreeBody-v0", "BaselineThreeBody-v0", "HNNPixelPendulum-v0", "HNNPixelTwoBody-v0")
"""The largest pages of worlds; the site refuses to be built with any page that is too large."""
BEGUN = "world.pause(true); world.begin({state}); world.data.forces.length"


@pytest.mark.parametrize("name", LARGEST)
def test_a_page_is_one_small_file_that_names_no_other(name: str) -> None:
    page = world_page(name)
    assert len(page.encode()) <= (1_500_000 if "Pixel" in name else 150_000)
    assert not re.search(r"https?://|<link[^>]+stylesheet|src=|@import|\bimport\b ", page)


@pytest.mark.parametrize("name", ["HNNThreeBody-v0", "BaselineSpring-v0", "HNNPixelPendulum-v0", "HNNPixelTwoBody-v0"])
def test_a_page_runs_without_errors_and_without_a_network(name: str, browser: Any, tmp_path: Path) -> None:
    write_page(name, tmp_path / "world.html")
    browser.open(tmp_path / "world.html")
    before = browser.run("[world.frames, world.simulation.moment]")
    deadline = time.monotonic() + 20
    while browser.run("world.simulation.moment") < before[1] + 5 and time.monotonic() < deadline:
        time.sleep(0.05)
    frames, moment = browser.run("[world.frames, world.simulation.moment]")
    assert frames > before[0]
    assert moment >= before[1] + 5
    for key in ("reverse", "more", "less", "branch", "start", "theme", "pause"):
        browser.run(f"document.getElementById('{key}').click()")
    assert browser.run("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => done(1))))") == 1
    assert browser.problems() == []


@pytest.fixture
def pendulum(browser: Any, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The page of HNNPendulum-v0, paused at a state."""
    out = tmp_path_factory.mktemp("page") / "world.html"
    write_page("HNNPendulum-v0", out)
    browser.open(out)
    assert browser.run(BEGUN.format(state=[2.5, 0.0])) == 1
    return browser


def test_1000_steps_in_the_browser_are_those_of_python(pendulum: Any) -> None:
    world = build_simulator("HNNPendulum-v0").world
    step = scalar_code.compiled(world_programs(world)["step"], {})
    x = world.phase_point(np.array([2.5]), np.array([0.0])).tolist()
    for _ in range(1000):
        x = step(x, [0.0])[0].tolist()
    pendulum.run("for (let k = 0; k < 1000; k += 1) world.step()")
    np.testing.assert_allclose(pendulum.run("world.simulation.first.x"), x, rtol=0, atol=1e-9)
    back = "document.getElementById('reverse').click(); for (let k = 0; k < 1000; k += 1) world.step()"
    pendulum.run(back)
    np.testing.assert_allclose(pendulum.run("world.simulation.first.state.q"), [2.5], rtol=0, atol=1e-9)


def test_a_joule_raises_the_energy_by_a_joule_and_the_copy_keeps_its_own(pendulum: Any) -> None:
    pendulum.run("world.step(); document.getElementById('branch').click()")
    energies = "world.simulation.motions.map((motion) => motion.energy)"
    before = pendulum.run(energies)
    pendulum.run("document.getElementById('more').click()")
    np.testing.assert_allclose(np.subtract(pendulum.run(energies), before), 1.0, rtol=0, atol=1e-12)
    pendulum.run("document.getElementById('less').click()")
    np.testing.assert_allclose(np.subtract(pendulum.run(energies), before), 0.0, rtol=0, atol=1e-12)
    assert pendulum.run("world.simulation.copy.energy") == pytest.approx(before[0], abs=1e-12)


def test_what_happened_stays_to_be_compared_with_after_going_back(pendulum: Any) -> None:
    pendulum.run("for (let k = 0; k < 50; k += 1) world.step(); world.simulation.rewind(20)")
    there = pendulum.run("world.simulation.past[20].points[0].x")
    assert pendulum.run("world.simulation.moment") == 20
    assert pendulum.run("world.simulation.first.x") == there
    assert pendulum.run("world.simulation.abandoned.length") == 30


def test_dragging_the_picture_pushes_both_worlds(pendulum: Any) -> None:
    box = pendulum.run("(({x, y, width}) => [x, y, width])(document.querySelector('canvas').getBoundingClientRect())")
    middle = (box[0] + box[2] / 2, box[1] + 100)
    pendulum.drag(middle, (middle[0] + box[2] / 8, middle[1]), release=False)
    pendulum.run("world.step()")
    world = build_simulator("HNNPendulum-v0").world
    pushed = world.advance(world.phase_point(np.array([2.5]), np.zeros(1)), np.array([1.0]))  # half of 2 N m
    # The finger's place is rounded to pixels of the screen.
    np.testing.assert_allclose(pendulum.run("world.simulation.first.x"), pushed, rtol=0, atol=1e-3)
    speeds = pendulum.run("world.simulation.motions.map((motion) => motion.state.v[0])")
    assert speeds[0] == pytest.approx(speeds[1], abs=1e-4)
    pendulum.drag(middle, middle)


def test_a_finger_on_a_phone_starts_from_a_point_of_the_portrait(browser: Any, tmp_path: Path) -> None:
    write_page("HNNPendulum-v0", tmp_path / "world.html")
    browser.open(tmp_path / "world.html", width=390, height=844, phone=True)
    assert browser.run("document.documentElement.scrollWidth <= window.innerWidth")
    browser.run("world.pause(true); document.getElementById('portrait').scrollIntoView()")
    rectangle = "(({x, y, width, height}) => [x, y, width, height])"
    x, y, width, height = browser.run(
        f"{rectangle}(document.getElementById('portrait-canvas').getBoundingClientRect())"
    )
    spot = (x + (46 + width - 12) / 2, y + (10 + height - 38) / 2)  # the middle of the axes
    browser.touch("touchStart", spot)
    browser.touch("touchEnd")
    state = browser.run("world.simulation.first.state")
    assert abs(state["q"][0]) < 0.05
    assert abs(state["v"][0]) < 0.2
    assert browser.problems() == []


def test_the_energy_of_the_page_stays_in_the_band_of_the_real_map(pendulum: Any) -> None:
    """1,000,000 free steps of both maps, in the browser."""
    code = """(() => {
      const { learned, true: real } = world.data.worlds, ranges = [];
      for (const map of [learned, real]) {
        let { x } = map.point([2.5], [0]), low = Infinity, high = -Infinity;
        for (let k = 0; k < 1e6; k += 1) {
          x = map.step(x, [0]).x;
          if (k % 7 === 0) {
            const { q, v } = map.state(x), { energy } = real.energy(real.point(q, v).x);
            low = Math.min(low, energy);
            high = Math.max(high, energy);
          }
        }
        ranges.push(high - low);
      }
      return ranges;
    })()"""
    learned, real = pendulum.run(code)
    assert learned < 1.5 * real


def test_a_world_is_shown_with_the_zero_of_the_true_energy() -> None:
    simulator = build_simulator("HNNThreeBody-v0")
    q, v = simulator.task.initial(np.random.default_rng(5), {})
    world, truth = simulator.world, simulator.truth
    assert truth is not None
    shown = float(world.energy(world.phase_point(q, v))) + energy_zero(simulator)
    assert shown == pytest.approx(float(truth.energy(truth.phase_point(q, v))), abs=2e-3)  # the fit's own error
    assert energy_zero(build_simulator("HNNRealPendulum-v0")) == 0.0


def test_a_page_is_not_replaced_unless_asked(tmp_path: Path) -> None:
    out = tmp_path / "world.html"
    out.write_text("mine")
    with pytest.raises(ExistingPathError, match=r"world\.html exists: give another --out, or --overwrite"):
        write_page("HNNSpring-v0", out)
    write_page("HNNSpring-v0", out, overwrite=True)
    assert "HNNSpring-v0" in out.read_text()


def test_a_page_does_not_replace_a_file_of_the_world_that_it_shows(tmp_path: Path) -> None:
    build_simulator("HNNSpring-v0").world.save(tmp_path / "world")
    card = (tmp_path / "world" / "world.json").read_text()
    with pytest.raises(InputError, match="is a file of the world that is read"):
        write_page(tmp_path / "world", tmp_path / "world" / "world.json", overwrite=True)
    assert (tmp_path / "world" / "world.json").read_text() == card


def test_a_picture_that_branches_on_values_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    task = build_simulator("HNNSpring-v0").task
    drawn = type(task).picture

    def picture(self: Task, q: np.ndarray) -> Any:
        return drawn(self, q if q[0] > 0 else -q)

    monkeypatch.setattr(type(task), "picture", picture)
    with pytest.raises(InputError, match="A page needs the picture of the world as a program"):
        world_page("HNNSpring-v0")


def test_a_world_without_a_known_task_gets_dials(browser: Any, tmp_path: Path) -> None:
    world = build_simulator("HNNSpring-v0").world
    card = dict(world.card)
    card["data"] = {**card["data"], "provenance": {**card["data"]["provenance"], "env_id": "Unknown-v0"}}
    WorldModel.save(
        WorldModel(
            world.coordinates, world.dynamics, world.integrator, world.dt, world.architecture, world.parameters, card
        ),
        tmp_path / "mine",
    )
    write_page(tmp_path / "mine", tmp_path / "world.html")
    browser.open(tmp_path / "world.html")
    assert browser.run("world.data.picture") is None
    assert browser.run("world.data.name") == "mine"
    assert browser.problems() == []


@pytest.mark.parametrize("name", ["HNNPixelPendulum-v0", "HNNPixelTwoBody-v0", "HNNPixelCartPole-v0"])
def test_a_page_shows_the_frames_that_python_decodes(name: str, browser: Any, tmp_path: Path) -> None:
    seen = resolve_pixel_world(name)
    assert seen is not None
    write_page(name, tmp_path / "world.html")
    browser.open(tmp_path / "world.html")
    rng, n = np.random.default_rng(0), seen.world.coordinates.n
    shown = seen.starts[:, :n]
    beyond = 3 * rng.uniform(-1, 1, (2, n)) * abs(shown).max()  # bodies at the edge of the picture and outside it
    for q in np.concatenate([rng.permutation(shown)[:3], beyond if n > 1 else shown[:1]]):
        decoded = browser.run(f"Array.from(framesOf(world.data).decoded({q.tolist()}))")
        differences = np.array(decoded) - seen.codec.decode(q).reshape(-1)
        assert abs(differences).max() <= 1  # values half way between two whole numbers
        assert np.mean(differences != 0) < 0.01


def test_a_network_without_a_step_back_undoes_its_steps_and_gets_the_true_energy(browser: Any, tmp_path: Path) -> None:
    write_page("BaselinePendulum-v0", tmp_path / "world.html")
    browser.open(tmp_path / "world.html")
    browser.run(BEGUN.format(state=[0.8, 0.0]))
    assert browser.run("world.data.worlds.learned.back === undefined")
    for _ in range(30):
        browser.run("world.step()")
    before = browser.run("world.simulation.motions.map((motion) => motion.energy)")
    browser.run("document.getElementById('more').click()")
    rise = np.subtract(browser.run("world.simulation.motions.map((motion) => motion.energy)"), before)
    np.testing.assert_allclose(rise, 1.0, rtol=0, atol=1e-12)
    browser.run("document.getElementById('less').click(); document.getElementById('reverse').click()")
    for _ in range(30):
        assert browser.run("world.step()")
    np.testing.assert_allclose(browser.run("world.simulation.first.x"), [0.8, 0.0], rtol=0, atol=1e-7)


def test_time_stops_where_no_state_leads_to_this_one(browser: Any, tmp_path: Path) -> None:
    write_page("BaselineMountainCar-v0", tmp_path / "world.html")
    browser.open(tmp_path / "world.html")
    browser.run(BEGUN.format(state=[-1.2, 0.0]))  # at the wall, which takes every velocity
    browser.run("world.step(); world.simulation.first.x = world.simulation.first.world.point([-1.2], [0.0]).x")
    browser.run("document.getElementById('reverse').click()")
    assert not all(browser.run("Array.from({ length: 50 }, () => world.step())"))
    assert browser.run("world.simulation.forwards")


def test_a_frame_is_computed_in_less_than_a_sixtieth_of_a_second(browser: Any, tmp_path: Path) -> None:
    """Steps, H on the grid of the portrait and the calls that draw, of the page with the most to compute."""
    write_page("HNNThreeBody-v0", tmp_path / "world.html")
    browser.open(tmp_path / "world.html")
    code = """new Promise((done) => {
      const began = world.times.length, after = () => world.times.slice(began);
      const look = () => (world.times.length < began + 20 ? requestAnimationFrame(look) : done(after()));
      look();
    })"""
    milliseconds = browser.run(code)
    assert np.median(milliseconds) < 1000 / 60


def test_a_page_says_where_the_world_and_the_truth_step_by_different_schemes() -> None:
    facts = description(build_simulator("HNNCartPole-v0"), "a", None)["facts"]
    assert "steps by explicit-euler, as the environment does, and this world by generalised-euler" in facts[-1]
    assert description(build_simulator("HNNPendulum-v0"), "a", None)["facts"][-1] == "The true physics runs beside it."
