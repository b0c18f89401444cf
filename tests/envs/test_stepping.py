"""The fast ways to step equal the definition; batches in float32, on torch tensors, with staggered starts."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import gymnasium
import numpy as np
import pytest
import torch

import hnn_gym
from hnn_gym.envs import SimulatorVectorEnv
from hnn_gym.envs.build import build_simulator
from hnn_gym.envs.compiling import at_start, program_of
from hnn_gym.envs.stepping import reference_step, step_one
from hnn_gym.envs.stepping_numpy import Steps
from hnn_gym.envs.stepping_torch import TorchSteps
from hnn_gym.errors import ConvergenceError, InputError
from hnn_gym.systems import PendulumSwingUp

IDS = sorted(
    spec.id for spec in gymnasium.registry.values() if "hnn_gym" in str(spec.entry_point) and spec.id != "HNN-v0"
)
IDS = [env_id for env_id in IDS if not env_id.startswith("My")]
UNTRACED: set[str] = set()  # loops of the shipped worlds that depend on values are traced too


def _simulator(env_id: str) -> Any:
    return gymnasium.make(env_id).unwrapped._simulator  # type: ignore[attr-defined]


def _states(env_id: str, count: int) -> tuple[np.ndarray, np.ndarray]:
    envs = gymnasium.make_vec(env_id, num_envs=count, vectorization_mode="vector_entry_point")
    envs.reset(seed=0)
    envs.action_space.seed(0)
    batch, actions = envs.unwrapped.batch, envs.action_space.sample()  # type: ignore[attr-defined]
    return batch.x, np.asarray(batch.simulator.action_vector(actions.reshape(count, -1)), float)


@pytest.mark.parametrize("env_id", IDS)
def test_every_environment_whose_physics_does_not_branch_on_values_is_traced(env_id: str) -> None:
    made = program_of(_simulator(env_id))
    assert (made is None) == (env_id in UNTRACED)
    assert made is None or not made.outside


class _Fading(PendulumSwingUp):
    """A reward that changes from step to step, as a curriculum does."""

    def __init__(self) -> None:
        self.weight = 1.0

    def reward(self, q: Any, v: Any, u: Any, next_q: Any, next_v: Any) -> Any:
        return self.weight * super().reward(q, v, u, next_q, next_v)


def test_a_subclass_of_a_shipped_task_may_change_its_reward_while_it_is_used() -> None:
    task = _Fading()
    env = hnn_gym.SimulatorEnv("HNNPendulum-v0", task=task)
    envs = SimulatorVectorEnv("HNNPendulum-v0", num_envs=3, task=task)
    for weight in (1.0, 0.5, 0.0):
        env.reset(seed=0)
        envs.reset(seed=0)
        task.weight = weight
        expected = weight * PendulumSwingUp().reward(*np.split(env.state, 2), np.zeros(1), None, None)
        assert env.step(np.zeros(1))[1] == pytest.approx(float(expected))
        assert envs.step(np.zeros((3, 1)))[1][0] == pytest.approx(float(expected))


@pytest.mark.parametrize("env_id", IDS)
def test_one_step_and_a_thousand_equal_the_definition(env_id: str) -> None:
    simulator, (x, actions) = _simulator(env_id), _states(env_id, 70)
    expected = reference_step(simulator, x, actions)
    step, steps = step_one(simulator), Steps(simulator, 70, float)
    steps.begin(x, np.arange(70))
    # One state, row by row; then all rows together, and another step of all rows, which uses values of the first.
    for i in range(0, 70, 23):
        outcome = step(x[i], actions[i])
        np.testing.assert_allclose(outcome.x, expected.x[i], rtol=1e-10, atol=1e-12)
        np.testing.assert_allclose(outcome.reward, expected.reward[i], rtol=1e-9, atol=1e-12)
        assert outcome.terminated == expected.terminated[i]
        assert outcome.info == pytest.approx({name: value[i] for name, value in expected.info.items()}, rel=1e-9)
    for _ in range(2):
        outcome, expected = steps(x, actions), reference_step(simulator, x, actions)
        np.testing.assert_allclose(outcome.x, expected.x, rtol=1e-10, atol=1e-12)
        np.testing.assert_allclose(outcome.observation, expected.observation, rtol=1e-6, atol=1e-7)  # float32
        np.testing.assert_allclose(outcome.reward, expected.reward, rtol=1e-9, atol=1e-12)
        np.testing.assert_array_equal(outcome.terminated, expected.terminated)
        for name, value in expected.info.items():
            np.testing.assert_allclose(outcome.info[name], value, rtol=1e-9, atol=1e-12)
        steps.kept()
        x = outcome.x


def test_values_computed_for_the_next_step_are_not_used_where_the_state_has_changed() -> None:
    simulator, (x, actions) = _simulator("HNNPendulum-v0"), _states("HNNPendulum-v0", 300)
    steps = Steps(simulator, 300, float)
    steps.begin(x, np.arange(300))
    x = steps(x, actions).x
    steps.kept()
    for changed in (np.arange(300) == 7, np.arange(300) % 3 == 0):  # a few, and many
        x = np.where(changed[:, None], x + 0.5, x)
        outcome = steps.begin(x, np.flatnonzero(changed))
        for name, value in at_start(simulator, x[changed]).items():
            np.testing.assert_allclose(outcome[name], value, rtol=1e-6, atol=1e-7)
        np.testing.assert_allclose(steps(x, actions).x, reference_step(simulator, x, actions).x, rtol=1e-12)


def test_an_outcome_that_is_not_kept_changes_nothing() -> None:
    simulator, (x, actions) = _simulator("HNNSpring-v0"), _states("HNNSpring-v0", 5)
    steps = Steps(simulator, 5, float)
    steps.begin(x, np.arange(5))
    first = steps(x, actions).x
    steps(x, -actions)
    np.testing.assert_array_equal(steps(x, actions).x, first)


def test_a_reward_of_the_users_own_may_change_between_steps() -> None:
    weight = [1.0]
    env = gymnasium.make("HNNPendulum-v0", reward=lambda o, u, after: weight[0] + 0 * o[..., 0])
    env.reset(seed=0)
    assert env.step(np.zeros(1))[1] == 1.0
    weight[0] = 2.0
    assert env.step(np.zeros(1))[1] == 2.0


def test_a_copied_or_pickled_environment_continues_equally_and_independently() -> None:
    env = gymnasium.make("HNNPendulum-v0")
    env.reset(seed=0)
    env.step(np.ones(1))
    for other in (copy.deepcopy(env), pickle.loads(pickle.dumps(env))):
        twin = copy.deepcopy(env)
        np.testing.assert_array_equal(other.step(np.ones(1))[0], twin.step(np.ones(1))[0])
        other.step(np.ones(1))
    assert env.unwrapped._step_one is not twin.unwrapped._step_one  # type: ignore[attr-defined]


def test_a_world_that_reaches_numbers_that_are_not_finite_raises_and_changes_nothing() -> None:
    simulator = build_simulator("Spring-v0")
    step = step_one(simulator)
    with np.errstate(all="ignore"):
        assert not np.isfinite(step(np.array([1e200, 1e200]), np.zeros(1)).reward)
    envs = gymnasium.make_vec("BaselineThreeBody-v0", num_envs=2)
    envs.reset(seed=0)
    batch = envs.unwrapped.batch  # type: ignore[attr-defined]
    batch.x = np.full_like(batch.x, 1e308)
    with np.errstate(all="ignore"):
        batch._step.begin(batch.x, np.arange(2))
        with pytest.raises(ConvergenceError, match=r"environments \[0, 1\] reached numbers that are not finite"):
            envs.step(np.zeros((2, 2)))
    assert (batch.x == 1e308).all()
    assert (batch.steps == 0).all()


def _steps(count: int, **kwargs: Any) -> list[Any]:
    kwargs = {"autoreset_mode": "SameStep", "max_episode_steps": 3} | kwargs
    envs = gymnasium.make_vec("HNNPendulum-v0", num_envs=count, vectorization_mode="vector_entry_point", **kwargs)
    seen = [envs.reset(seed=0)[0]]
    envs.action_space.seed(0)
    for _ in range(7):
        seen += list(envs.step(envs.action_space.sample())[:4])
    return seen


def test_float32_is_the_same_world_to_its_precision() -> None:
    for one, other in zip(_steps(40), _steps(40, dtype="float32"), strict=True):
        np.testing.assert_allclose(one, other, atol=2e-4)
    assert _steps(4, dtype="float32")[2].dtype == np.float32


@pytest.mark.parametrize("mode", ["SameStep", "NextStep"])
def test_tensors_in_and_out_are_the_same_numbers(mode: str) -> None:
    for one, other in zip(_steps(5, autoreset_mode=mode), _steps(5, autoreset_mode=mode, device="cpu"), strict=True):
        assert isinstance(other, torch.Tensor)
        np.testing.assert_allclose(one, other.numpy(), rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("env_id", IDS)
def test_every_environment_steps_on_tensors(env_id: str) -> None:
    ours = gymnasium.make_vec(env_id, num_envs=2, vectorization_mode="vector_entry_point", device="cpu")
    arrays = gymnasium.make_vec(env_id, num_envs=2, vectorization_mode="vector_entry_point")
    ours.reset(seed=0)
    arrays.reset(seed=0)
    actions = arrays.action_space.sample()
    one, other = ours.step(torch.from_numpy(actions)), arrays.step(actions)
    for a, b in zip(one[:4], other[:4], strict=True):
        np.testing.assert_allclose(a.numpy(), b, rtol=1e-6, atol=1e-9)
    for name, value in other[4].items():
        np.testing.assert_allclose(one[4][name].numpy(), value, rtol=1e-6, atol=1e-9)


def test_staggered_copies_begin_at_different_times() -> None:
    envs = gymnasium.make_vec("HNNPendulum-v0", num_envs=50, staggered=True)
    envs.reset(seed=0)
    ends = np.array([envs.step(np.zeros((50, 1)))[3] for _ in range(201)])
    assert (ends.sum(axis=0) >= 1).all()
    assert ends.sum(axis=1).max() < 10


@pytest.mark.parametrize(
    ("kwargs", "words"),
    [
        ({"dtype": "float16"}, 'dtype must be "float64" or "float32"'),
        ({"device": "abacus"}, 'device must be "cpu" or "cuda"'),
        ({"device": "meta"}, 'device must be "cpu" or "cuda"'),
        ({"num_envs": 2.5}, "num_envs must be at least 1, got 2.5"),
    ],
)
def test_unknown_dtypes_and_devices_are_refused(kwargs: Any, words: str) -> None:
    with pytest.raises(InputError, match=words):
        gymnasium.make_vec("HNNPendulum-v0", vectorization_mode="vector_entry_point", **({"num_envs": 2} | kwargs))


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_a_missing_gpu_is_reported() -> None:
    with pytest.raises(InputError, match="needs CUDA, and torch finds none here"):
        gymnasium.make_vec("HNNPendulum-v0", num_envs=2, device="cuda")
    with pytest.raises(InputError, match="takes NumPy arrays"):
        hnn_gym.make_sb3_vec("HNNPendulum-v0", 2, device="cpu")


def test_a_step_that_cannot_be_captured_as_a_graph_runs_kernel_by_kernel(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: Any) -> None:
        raise RuntimeError("operation not permitted when stream is capturing")

    monkeypatch.setattr("hnn_gym.envs.stepping_torch._Captured", fails)
    simulator, (x, actions) = _simulator("HNNPendulum-v0"), _states("HNNPendulum-v0", 5)
    states, forces = torch.from_numpy(np.ascontiguousarray(x)), torch.from_numpy(actions)
    steps = TorchSteps(simulator, states)
    steps._capture = True  # as on a GPU
    with pytest.warns(UserWarning, match="No CUDA graph of this step"):
        first = steps(states, forces)
    for outcome in (first, steps(states, forces)):
        np.testing.assert_allclose(outcome.x.numpy(), reference_step(simulator, x, actions).x, rtol=1e-12)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_on_a_gpu_the_graph_gives_the_same_numbers() -> None:
    for one, other in zip(_steps(5), _steps(5, device="cuda"), strict=True):
        np.testing.assert_allclose(one, other.cpu().numpy(), rtol=1e-6, atol=1e-9)


def test_shells_raise_the_schemes_error_for_a_state_that_does_not_converge() -> None:
    env = hnn_gym.SimulatorEnv("HNNRealPendulum-v0", dt=2.0)
    envs = SimulatorVectorEnv("HNNRealPendulum-v0", num_envs=3, dt=2.0)
    swinging, turning = np.array([1.0, 5.0]), np.array([1.0, 60.0])
    env.reset(options={"state": swinging})
    remedy = r"did not converge in 200 iterations at dt = 2.0: use RungeKutta4\(\)"
    with pytest.raises(ConvergenceError, match=f"1 of 1 states {remedy}"):
        env.step(np.zeros(env.action_space.shape))
    np.testing.assert_allclose(env.state, swinging)  # nothing has changed
    envs.reset(seed=0)
    for row, state in enumerate((turning, swinging, turning)):
        envs.batch.x[row] = env.world.phase_point(*np.split(state, 2))
    with pytest.raises(ConvergenceError, match=rf"The environments \[1\] cannot be stepped.*1 of 1 states {remedy}"):
        envs.step(np.zeros((3, *env.action_space.shape)))
