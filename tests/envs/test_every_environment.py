"""What holds for every registered environment, true or learned."""

from __future__ import annotations

import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env as check_gymnasium
from stable_baselines3.common.env_checker import check_env as check_sb3

import hnn_gym
from hnn_gym.errors import InputError

IDS = sorted(
    spec.id for spec in gymnasium.registry.values() if "hnn_gym" in str(spec.entry_point) and spec.id != "HNN-v0"
)
LEARNED = [env_id for env_id in IDS if env_id.startswith(("HNN", "Baseline"))]
TWINS = {env_id: env_id.removeprefix("HNN").removeprefix("Baseline") for env_id in LEARNED}
TWINS = {env_id: "Pendulum-v1" if twin == "Pendulum-v0" else twin for env_id, twin in TWINS.items()}
TWINS = {env_id: twin for env_id, twin in TWINS.items() if twin in gymnasium.registry}

pytestmark = pytest.mark.filterwarnings("ignore:.*render.*:UserWarning")


def _warnings_of(check: Any, env: Any) -> set[str]:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        check(env)
    return {str(warning.message).replace("\x1b[33mWARN: ", "").replace("\x1b[0m", "") for warning in caught}


def _allowed(check: Any, env: Any) -> set[str]:
    """What the checker says of Pendulum-v1 itself, whose torque space a drop-in has to have."""
    pendulum = _warnings_of(check, gymnasium.make("Pendulum-v1", render_mode="rgb_array").unwrapped)
    box = env.action_space
    return pendulum if box.shape == (1,) and box.high[0] == 2.0 else set()


@pytest.mark.parametrize("check", [check_gymnasium, check_sb3], ids=["gymnasium", "stable-baselines3"])
@pytest.mark.parametrize("env_id", IDS)
def test_the_checkers_find_nothing_that_pendulum_itself_is_not_told(env_id: str, check: Any) -> None:
    env = gymnasium.make(env_id, render_mode="rgb_array").unwrapped
    unexpected = _warnings_of(check, env) - _allowed(check, env)
    # The position of a free body has no bound, and any bound would be a lie.
    unexpected = {text for text in unexpected if "infinity" not in text}
    assert unexpected == set()


@pytest.mark.parametrize("env_id", IDS)
def test_the_same_seed_gives_the_same_episode_bit_for_bit(env_id: str) -> None:
    def episode() -> list[Any]:
        env = gymnasium.make(env_id)
        env.action_space.seed(1)
        seen = [env.reset(seed=3)[0]]
        for _ in range(20):
            observation, reward, *_ = env.step(env.action_space.sample())
            seen += [observation, reward]
        return seen

    for one, other in zip(episode(), episode(), strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("env_id", TWINS)
def test_a_learned_environment_is_a_drop_in_for_the_true_one(env_id: str) -> None:
    learned, true = gymnasium.make(env_id), gymnasium.make(TWINS[env_id])
    assert learned.observation_space == true.observation_space
    assert learned.action_space == true.action_space
    assert learned.spec.max_episode_steps == true.spec.max_episode_steps  # type: ignore[union-attr]
    for seed in range(5):
        np.testing.assert_allclose(learned.reset(seed=seed)[0], true.reset(seed=seed)[0], atol=1e-6)  # float32


@pytest.mark.parametrize("env_id", IDS)
def test_state_phase_point_and_energy_tell_of_the_same_moment(env_id: str) -> None:
    env = gymnasium.make(env_id)
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
def test_the_time_step_can_be_changed_and_halving_it_changes_the_motion_little(env_id: str) -> None:
    whole = gymnasium.make(env_id)
    dt = whole.unwrapped.dt  # type: ignore[attr-defined]
    half = gymnasium.make(env_id, dt=dt / 2)
    idle = np.zeros(whole.action_space.shape, np.float32)  # type: ignore[arg-type]
    start = whole.reset(seed=0)[0].astype(float)
    half.reset(seed=0)
    for _ in range(5):
        after = whole.step(idle)[0].astype(float)
        half.step(idle)
        finer = half.step(idle)[0].astype(float)
    moved = np.abs(after - start).max()
    assert np.abs(finer - after).max() < 0.5 * moved


@pytest.mark.parametrize("env_id", IDS)
@pytest.mark.parametrize("bad", ["nan", "shape"])
def test_a_bad_action_is_refused_and_changes_nothing(env_id: str, bad: str) -> None:
    env = gymnasium.make(env_id).unwrapped
    env.reset(seed=0)
    before = env.state  # type: ignore[attr-defined]
    m = env.action_space.shape[0]  # type: ignore[index]
    action = np.full(m, np.nan) if bad == "nan" else np.zeros(m + 1)
    with pytest.raises(InputError, match="not finite" if bad == "nan" else "must have"):
        env.step(action)
    np.testing.assert_array_equal(env.state, before)  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"state": [np.nan] * 2}, "not finite"),
        ({"state": [0.0]}, r"must have \(2,\)"),
        ({"state": "up"}, "not an array of numbers"),
        ({"stat": [0.0, 0.0]}, "does not know the options.*stat"),
    ],
)
def test_a_bad_start_is_refused_and_changes_nothing(options: dict[str, Any], words: str) -> None:
    env = gymnasium.make("HNNPendulum-v0").unwrapped
    env.reset(seed=0)
    before = env.state  # type: ignore[attr-defined]
    with pytest.raises(InputError, match=words):
        env.reset(options=options)
    np.testing.assert_array_equal(env.state, before)  # type: ignore[attr-defined]


@pytest.mark.parametrize("dt", [0, -0.05, float("nan"), float("inf"), "fast"])
def test_a_time_step_that_is_no_time_is_refused(dt: Any) -> None:
    with pytest.raises(InputError, match="dt must be a positive number"):
        gymnasium.make("HNNPendulum-v0", dt=dt)


def test_stepping_before_reset_is_refused() -> None:
    with pytest.raises(InputError, match="reset"):
        gymnasium.make("HNNPendulum-v0").unwrapped.step(np.zeros(1))


def test_the_package_registers_itself_when_named_in_the_id() -> None:
    code = "import gymnasium; e = gymnasium.make('hnn_gym:HNNPendulum-v0'); e.reset(seed=0); print(e.step([0.5])[1])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert float(done.stdout) < 0


def test_a_checkpoint_becomes_an_environment_that_is_truncated_as_its_task_says(checkpoint: Path) -> None:
    for env in (gymnasium.make("HNN-v0", world_model=checkpoint), _registered(checkpoint)):
        np.testing.assert_array_equal(env.reset(seed=4)[0], gymnasium.make("Pendulum-v1").reset(seed=4)[0])
        ends = [env.step(np.zeros(1, np.float32))[3] for _ in range(200)]
        assert ends == [False] * 199 + [True]


def _registered(checkpoint: Path) -> Any:
    if "MyPendulum-v0" not in gymnasium.registry:
        hnn_gym.register("MyPendulum-v0", world_model=checkpoint)
    return gymnasium.make("MyPendulum-v0")


def test_worlds_that_cannot_be_registered_or_made_are_refused_by_name(checkpoint: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="HNNPendulum-v0 is registered already"):
        hnn_gym.register("HNNPendulum-v0", world_model=checkpoint)
    with pytest.raises(InputError, match="cannot be registered"):
        hnn_gym.register("no/such/id at all", world_model=checkpoint)
    with pytest.raises(InputError, match="No checkpoint at"):
        gymnasium.make("HNN-v0", world_model=tmp_path / "nothing")
    pickle = tmp_path / "weights.pt"
    pickle.write_bytes(b"\x80\x04K\x01.")
    with pytest.raises(InputError, match="pickle, which can execute code"):
        gymnasium.make("HNN-v0", world_model=pickle)
    with pytest.raises(InputError, match="not supported"):
        gymnasium.make("HNN-v0", world_model=checkpoint, render_mode="ansi")
