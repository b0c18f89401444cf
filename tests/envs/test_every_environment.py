"""Properties of every registered environment, true or learned."""

from __future__ import annotations

import copy
import pickle
import subprocess
import sys
import warnings
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import cloudpickle
import gymnasium
import numpy as np
import pytest
from gymnasium.spaces import Box
from gymnasium.utils.env_checker import check_env as check_gymnasium
from stable_baselines3.common.env_checker import check_env as check_sb3

from hnn_gym.errors import InputError, NotCompiledWarning
from hnn_gym.systems import SYSTEMS


def _action_space(env_id: str) -> Any:
    """The action space of a registered environment; that of HNN-v0 and of a user's own depends on the checkpoint."""
    return Box(-1, 1) if env_id in ("HNN-v0", "MyPendulum-v0") else gymnasium.make(env_id).action_space


IDS = sorted(spec.id for spec in gymnasium.registry.values() if "hnn_gym" in str(spec.entry_point))
IDS = [*(env_id for env_id in IDS if not env_id.startswith("My")), "MyPendulum-v0"]  # see make in conftest.py
LEARNED = [env_id for env_id in IDS if env_id.startswith(("HNN", "Baseline")) and env_id != "HNN-v0"]
REAL = {f"{system.name}-v0": system.id for system in SYSTEMS.values()}
TWINS = {env_id: env_id.removeprefix("HNN").removeprefix("Baseline") for env_id in LEARNED}
TWINS = {env_id: REAL.get(twin, twin) for env_id, twin in TWINS.items()}
TWINS = {env_id: twin for env_id, twin in TWINS.items() if twin in gymnasium.registry}
OF_NUMBERS = [env_id for env_id in IDS if isinstance(_action_space(env_id), Box)]

Make = Callable[..., Any]


def some_action(space: Any, push: float = 0.5) -> Any:
    """An action of a Box, all of whose entries are ``push``, or the last of a Discrete space."""
    return np.full(space.shape, push, np.float32) if isinstance(space, Box) else np.int64(space.n - 1)


pytestmark = pytest.mark.filterwarnings("ignore:.*render.*:UserWarning")


def _warnings_of(check: Any, env: Any) -> set[str]:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        warnings.simplefilter("ignore", NotCompiledWarning)  # a step that runs as it is, is slower and no fault
        check(env)
    return {str(warning.message).replace("\x1b[33mWARN: ", "").replace("\x1b[0m", "") for warning in caught}


def _allowed(check: Any, env: Any) -> set[str]:
    """The checker's warnings for Pendulum-v1 itself, whose torques are in N m as a drop-in's must be, or bumps in J."""
    pendulum = _warnings_of(check, gymnasium.make("Pendulum-v1", render_mode="rgb_array").unwrapped)
    box = env.action_space
    return pendulum if box.shape == (1,) and (box.high[0] != 1.0 or "Bump" in env.spec.id) else set()


@pytest.mark.parametrize("check", [check_gymnasium, check_sb3], ids=["gymnasium", "stable-baselines3"])
@pytest.mark.parametrize("env_id", IDS)
def test_the_checkers_find_nothing_that_they_do_not_find_in_pendulum_v1(make: Make, env_id: str, check: Any) -> None:
    env = make(env_id, render_mode="rgb_array").unwrapped
    unexpected = _warnings_of(check, env) - _allowed(check, env)
    # The position of a free body has no bound, and any bound would be a lie.
    unexpected = {text for text in unexpected if "infinity" not in text}
    assert unexpected == set()


@pytest.mark.parametrize("env_id", IDS)
def test_the_same_seed_gives_the_same_episode_bit_for_bit_also_side_by_side(make: Make, env_id: str) -> None:
    one, other = make(env_id), make(env_id)
    for env in (one, other):
        env.action_space.seed(1)
        env.observation_space.seed(1)
    np.testing.assert_array_equal(one.observation_space.sample(), other.observation_space.sample())
    np.testing.assert_array_equal(one.reset(seed=3)[0], other.reset(seed=3)[0])
    for _ in range(20):
        _same_step(one.step(one.action_space.sample()), other.step(other.action_space.sample()))
    np.testing.assert_array_equal(one.reset()[0], other.reset()[0])  # the generator goes on alike too


def _same_step(one: Any, other: Any) -> None:
    np.testing.assert_array_equal(one[0], other[0])
    assert one[1:] == other[1:]


@pytest.mark.parametrize(
    ("copied", "drawn"),
    [
        (copy.deepcopy, True),
        (copy.copy, True),
        (lambda env: pickle.loads(pickle.dumps(env)), True),
        (lambda env: cloudpickle.loads(cloudpickle.dumps(env)), False),
    ],
    ids=["deepcopy of a drawn one", "copy of a drawn one", "pickle of a drawn one", "cloudpickle"],
)
@pytest.mark.parametrize("env_id", IDS)
def test_a_copy_continues_as_the_original_does(make: Make, env_id: str, copied: Any, drawn: bool) -> None:
    original = make(env_id, render_mode="rgb_array").unwrapped
    original.reset(seed=0)
    action = some_action(original.action_space)
    original.step(action)
    if drawn:  # a picture cannot be copied: the copy makes its own
        original.render()
    twin = copied(original)
    _same_step(original.step(action), twin.step(action))
    if drawn and "Body" not in env_id:  # bodies leave trails, which restart
        np.testing.assert_array_equal(original.render(), twin.render())
    before = original.state
    twin.step(action)
    np.testing.assert_array_equal(original.state, before)
    original.close()
    twin.close()


@pytest.mark.parametrize("env_id", IDS)
def test_the_spec_survives_json(make: Make, env_id: str) -> None:
    env = make(env_id, dt=0.01, max_episode_steps=3)
    again = gymnasium.make(gymnasium.envs.registration.EnvSpec.from_json(env.spec.to_json()))
    np.testing.assert_array_equal(env.reset(seed=1)[0], again.reset(seed=1)[0])
    action = some_action(env.action_space)
    for _ in range(3):
        _same_step(env.step(action), again.step(action))


@pytest.mark.parametrize("env_id", IDS)
def test_gymnasium_vectorises_it_by_itself_too(make: Make, env_id: str) -> None:
    single = make(env_id)
    kwargs = {key: value for key, value in single.spec.kwargs.items() if env_id == "HNN-v0"}
    envs = gymnasium.make_vec(env_id, num_envs=2, vectorization_mode="sync", **kwargs)
    observations, infos = envs.reset(seed=3)
    observation, info = single.reset(seed=4)
    np.testing.assert_array_equal(observations[1], observation)
    assert {name: infos[name][1] for name in info} == info
    envs.close()


@pytest.mark.parametrize("env_id", IDS)
@pytest.mark.parametrize("render_mode", ["rgb_array", "human"])
def test_it_can_be_closed_at_any_time_and_repeatedly(make: Make, env_id: str, render_mode: str) -> None:
    env = make(env_id, render_mode=render_mode)
    env.close()
    env.reset(seed=0)
    env.render()
    env.close()
    env.close()


@pytest.mark.filterwarnings("default:.*render.*:UserWarning")
@pytest.mark.parametrize("env_id", IDS)
def test_render_without_a_mode_warns_and_says_what_to_do(make: Make, env_id: str) -> None:
    env = make(env_id).unwrapped
    env.reset(seed=0)
    with pytest.warns(UserWarning, match='make it with render_mode="rgb_array"'):
        assert env.render() is None


@pytest.mark.parametrize("env_id", IDS)
def test_it_renders_a_list_of_pictures_as_any_environment_does(make: Make, env_id: str) -> None:
    env = make(env_id, render_mode="rgb_array_list")
    env.reset(seed=0)
    env.step(env.action_space.sample())
    size = (400, 600, 3) if "Car" in env_id and "Pixel" not in env_id else (500, 500, 3)  # as Gymnasium's own
    assert [frame.shape for frame in env.render()] == [size] * 2
    env.close()


@pytest.mark.parametrize("env_id", TWINS)
def test_a_learned_environment_is_a_drop_in_for_the_true_one(env_id: str) -> None:
    try:
        learned, true = gymnasium.make(env_id), gymnasium.make(TWINS[env_id])
    except gymnasium.error.DependencyNotInstalled:
        pytest.skip("MuJoCo is not installed")
    assert learned.observation_space == true.observation_space
    assert learned.action_space == true.action_space
    assert learned.spec.max_episode_steps == true.spec.max_episode_steps  # type: ignore[union-attr]
    for seed in range(100):
        np.testing.assert_allclose(learned.reset(seed=seed)[0], true.reset(seed=seed)[0], atol=1e-6)  # float32


@pytest.mark.parametrize("env_id", IDS)
def test_state_phase_point_and_energy_are_those_of_the_same_moment(make: Make, env_id: str) -> None:
    env = make(env_id)
    _, info = env.reset(seed=0)
    world, n = env.unwrapped.world, env.unwrapped.world.coordinates.n  # type: ignore[attr-defined]
    state = env.unwrapped.state  # type: ignore[attr-defined]
    point = env.unwrapped.phase_point  # type: ignore[attr-defined]
    np.testing.assert_allclose(point[n:], world.dynamics.momentum(state[:n], state[n:]), atol=1e-14)
    assert ("energy" in info) == (not env_id.startswith("Baseline"))
    if "energy" in info:
        assert info["energy"] == pytest.approx(float(world.energy(point)))
    env.reset(options={"state": state})
    np.testing.assert_allclose(env.unwrapped.state, state, atol=1e-14)  # type: ignore[attr-defined]
    env.unwrapped.state = state + 0.01  # type: ignore[attr-defined]
    np.testing.assert_allclose(env.unwrapped.state, state + 0.01, atol=1e-14)  # type: ignore[attr-defined]


@pytest.mark.parametrize("env_id", IDS)
def test_the_time_step_can_be_changed_and_every_halving_brings_the_motion_closer_to_its_limit(
    make: Make, env_id: str
) -> None:
    env = make(env_id).unwrapped
    dt, sticks = env.dt, env.world.dynamics.dry is not None
    push = 0.0 if "Bump" in env_id else 0.5  # a bump comes with every step, however short
    ends = []
    for halvings in range(6 if sticks else 4):
        env = make(env_id, dt=dt / 2**halvings).unwrapped
        env.reset(seed=0)
        for _ in range(5 * 2**halvings):
            env.step(some_action(env.action_space, push))
        ends.append(env.state)
    changes = [np.abs(finer - coarser).max() for coarser, finer in pairwise(ends)]
    assert changes[0] > 0  # the time step does reach the physics
    if sticks:  # the moment at which dry friction gives way is known to a step, so that single changes may grow
        assert changes[-1] < changes[0] / 3
    else:
        for before, after in pairwise(changes):
            assert after < before / 1.5 or after < 1e-11  # order 1 halves it, order 6 is soon at rounding


@pytest.mark.parametrize("env_id", OF_NUMBERS)
@pytest.mark.parametrize(
    ("bad", "words"),
    [
        (lambda m: np.full(m, np.nan), "nan.* is not finite"),
        (lambda m: np.full(m, -np.inf), "inf.* is not finite"),
        (lambda m: np.zeros(m + 1), r"has shape \(., ?\), and must have"),
        (lambda m: np.zeros((1, m)), r"has shape \(1, .\), and must have"),
        (lambda m: 0.5, r"The action 0.5 has shape \(\), and must have"),
        (lambda m: None, "The action None is not an array of numbers"),
        (lambda m: "left", "The action 'left' is not an array of numbers"),
        (lambda m: [[1], [2, 3]], "is not an array of numbers"),
    ],
    ids=["nan", "inf", "long", "deep", "number", "None", "text", "ragged"],
)
def test_a_bad_action_is_refused_and_changes_nothing(make: Make, env_id: str, bad: Any, words: str) -> None:
    env = make(env_id).unwrapped
    env.reset(seed=0)
    before = env.state
    with pytest.raises(InputError, match=words):
        env.step(bad(env.action_space.shape[0]))
    np.testing.assert_array_equal(env.state, before)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"state": [np.nan] * 2}, "not finite"),
        ({"state": [0.0, np.inf]}, "not finite"),
        ({"state": [0.0, 1e39]}, r"has numbers beyond 3\.4e\+38, .*: give smaller ones"),
        ({"state": [0.0]}, r"must have \(2,\): \[q, dq/dt\]"),
        ({"state": None}, r"The state None is not an array of numbers"),
        ({"state": "up"}, "not an array of numbers"),
        ({"stat": [0.0, 0.0]}, r"does not know the options \['stat'\]: it knows \['state', 'x_init', 'y_init'\]"),
        ([0.0, 0.0], "options must be a dict"),
        ({"x_init": -1.0}, "x_init and y_init must be finite and not negative"),
    ],
)
def test_a_bad_start_is_refused_and_changes_nothing(options: Any, words: str) -> None:
    env = gymnasium.make("HNNPendulum-v0").unwrapped
    env.reset(seed=0)
    before = env.state  # type: ignore[attr-defined]
    with pytest.raises(InputError, match=words):
        env.reset(options=options)
    np.testing.assert_array_equal(env.state, before)  # type: ignore[attr-defined]


@pytest.mark.parametrize("state", [None, [np.nan, 0.0], [0.0]])
def test_a_bad_state_cannot_be_set(state: Any) -> None:
    env = gymnasium.make("HNNPendulum-v0").unwrapped
    env.reset(seed=0)
    before = env.state  # type: ignore[attr-defined]
    with pytest.raises(InputError, match="The state"):
        env.state = state  # type: ignore[attr-defined]
    np.testing.assert_array_equal(env.state, before)  # type: ignore[attr-defined]


@pytest.mark.parametrize("dt", [0, -0.05, float("nan"), float("inf"), "fast", True, [0.05]])
def test_an_invalid_time_step_is_refused(dt: Any) -> None:
    with pytest.raises(InputError, match="dt must be a positive number"):
        gymnasium.make("HNNPendulum-v0", dt=dt)


def test_stepping_before_reset_is_refused() -> None:
    with pytest.raises(InputError, match="reset"):
        gymnasium.make("HNNPendulum-v0").unwrapped.step(np.zeros(1))


def test_the_package_registers_itself_when_named_in_the_id() -> None:
    code = "import gymnasium; e = gymnasium.make('hnn_gym:HNNPendulum-v0'); e.reset(seed=0); print(e.step([0.5])[1])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert float(done.stdout) < 0


@pytest.mark.filterwarnings("error::hnn_gym.errors.NotCompiledWarning")
@pytest.mark.parametrize("env_id", LEARNED)
def test_the_step_of_a_learned_environment_is_compiled(env_id: str) -> None:
    env = gymnasium.make(env_id)
    env.reset(seed=0)
    env.step(env.action_space.sample())
