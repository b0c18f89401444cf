"""A user's own System as in docs/environments.md, and the errors for invalid ones."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import pytest

import hnn_gym
from hnn_gym import Control, Coordinates, DegreeOfFreedom, FitSettings, InputError, System, Truth, register_system
from hnn_gym.physics import Spring, Yoshida4
from hnn_gym.systems import SYSTEMS, PendulumSwingUp, SpringHold, coordinates_of, registry

PAGE = (Path(__file__).parents[2] / "docs" / "environments.md").read_text(encoding="utf-8")
LINE = Coordinates((DegreeOfFreedom(position=0, velocity=1),), (Control(0, unit="N"),))


@pytest.fixture(autouse=True)
def clean() -> Iterator[None]:
    """Forget the systems and the environments that a test registers."""
    known, registered = dict(registry._known), dict(gymnasium.registry)
    yield
    for table, before in ((registry._known, known), (gymnasium.registry, registered)):
        table.clear()
        table.update(before)  # type: ignore[arg-type]


def test_the_system_of_the_page_is_short_and_its_recording_world_and_environment_know_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    section = re.search(r"^## An environment of your own\n(.*?)(?=^## |\Z)", PAGE, flags=re.DOTALL | re.MULTILINE)
    assert section is not None
    declaration, use = re.findall(r"```python\n(.*?)```", section[1], flags=re.DOTALL)[:2]
    assert declaration.count("\n") < 40
    names: dict[str, Any] = {}
    exec(declaration, names)
    system = SYSTEMS["TwoWells-v0"]
    true = gymnasium.make("TwoWells-v0")
    assert true.spec is not None
    assert true.reset(seed=0)[0][0] == pytest.approx(-1)

    train = hnn_gym.train_world
    quick = FitSettings(adam_steps=20, lbfgs_steps=20)
    monkeypatch.setattr(hnn_gym, "train_world", lambda *args, **options: train(*args, settings=quick, **options))
    exec(use.replace("steps=600", "steps=100"), names)
    provenance = names["dataset"].provenance
    assert Coordinates.from_json(provenance.coordinates) == system.coordinates_for()
    assert provenance.dt == 0.1
    learned = names["env"].unwrapped
    assert type(learned.task).__name__ == "CrossOver"
    np.testing.assert_allclose(learned.reset(seed=3)[0], true.reset(seed=3)[0], atol=1e-6)
    assert learned.render().shape == (500, 500, 3)
    assert learned._simulator.truth.dynamics.hamiltonian is system.truth.hamiltonian  # type: ignore[union-attr]


def test_a_system_without_a_truth_lends_its_coordinates_time_step_and_task_to_a_real_environment() -> None:
    class Real(gymnasium.Env[Any, Any]):
        observation_space, action_space = SpringHold.observation_space, SpringHold.action_space

        def reset(self, *, seed: int | None = None, options: Any = None) -> Any:
            super().reset(seed=seed)
            return np.array([0.5, 0.0], np.float32), {}

        def step(self, action: Any) -> Any:
            return np.array([0.4, 0.1], np.float32), 0.0, False, False, {}

    gymnasium.register("Real-v0", entry_point=Real, max_episode_steps=5)
    register_system(System("Real-v0", LINE, dt=0.2, task=SpringHold))
    dataset = hnn_gym.record_steps(gymnasium.make("Real-v0"), steps=20, seed=0)
    assert (dataset.provenance.dt, dataset.provenance.time_unit) == (0.2, "s")
    world = hnn_gym.train_world(dataset, "baseline", settings=FitSettings(adam_steps=1, lbfgs_steps=1))
    assert isinstance(gymnasium.make("HNN-v0", world_model=world).unwrapped.task, SpringHold)  # type: ignore[attr-defined]


def test_an_id_may_have_the_module_that_registers_it_before_a_colon() -> None:
    register_system(System("mine/Line-v3", LINE, dt=0.1))
    assert coordinates_of("my_module:mine/Line-v3") == LINE
    assert SYSTEMS["mine/Line-v3"].name == "Line"


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: register_system("Mine-v0"), "takes an hnn_gym.System, such as .*, not 'Mine-v0'"),  # type: ignore[arg-type]
        (lambda: register_system(System("Spring-v0")), "Spring-v0 is registered already: choose another id"),
        (lambda: System("my_module:Mine-v0"), "such as 'Mine-v0', not 'my_module:Mine-v0'"),
        (lambda: System(3), "such as 'Mine-v0', not 3"),  # type: ignore[arg-type]
        (lambda: System("Mine-v0", truth=Truth(Spring(), Yoshida4())), "'Mine-v0' has a truth: it needs coordinates"),
        (lambda: register_system(_true("not an id at all")), "'not an id at all' cannot be registered: Malformed"),
        (lambda: System("Mine-v0", LINE).true_world(), "true physics of 'Mine-v0' is unknown: give its System a truth"),
        (lambda: _true("Mine-v0", degree=None).true_world(), "does not say on which degree of freedom it acts"),
        (lambda: hnn_gym.systems.true_world("Mine-v0"), "There is no System 'Mine-v0': choose from Pendulum-v1"),
    ],
)
def test_an_invalid_system_is_refused_and_the_remedy_named(make: Any, words: str) -> None:
    with pytest.raises(InputError, match=words):
        make()
    assert "Mine-v0" not in SYSTEMS
    assert "Mine-v0" not in gymnasium.registry


def test_a_system_whose_id_is_taken_is_not_registered() -> None:
    with pytest.raises(InputError, match="SpringBump-v0 is registered already"):
        register_system(replace(_true("Mine-v0"), task=SpringHold, variants={"SpringBump": {"actions": "bump"}}))
    assert "Mine-v0" not in SYSTEMS


def test_a_renderer_that_cannot_be_loaded_is_named() -> None:
    class Unseen(SpringHold):
        renderer = "no_such_module:Renderer"

    env = gymnasium.make("Spring-v0", task=Unseen(), render_mode="rgb_array")
    env.reset(seed=0)
    with pytest.raises(InputError, match=r"Unseen\.renderer is 'no_such_module:Renderer', which cannot be loaded"):
        env.render()


def test_a_task_needs_neither_a_length_nor_a_renderer() -> None:
    assert PendulumSwingUp.max_episode_steps == 200
    assert (hnn_gym.Task.max_episode_steps, hnn_gym.Task.renderer) == (None, None)


def _true(env_id: str, degree: int | None = 0) -> System:
    coordinates = Coordinates((DegreeOfFreedom(position=0, velocity=1),), (Control(degree),))
    return System(env_id, coordinates, dt=0.1, truth=Truth(Spring(), Yoshida4()))
