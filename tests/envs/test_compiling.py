"""The compiled step: which functions it contains, and that it is never out of date."""

from __future__ import annotations

import functools
import random
import warnings
from collections.abc import Callable
from typing import Any

import gymnasium
import numpy as np
import pytest
import torch

import hnn_gym
from hnn_gym import SimulatorEnv
from hnn_gym.agents.imagination import Imagination
from hnn_gym.envs import SimulatorVectorEnv, build_simulator
from hnn_gym.envs.byte_code import Opaque, readings_of
from hnn_gym.envs.compiling import StepProgram, program_of
from hnn_gym.envs.stepping import reference_step
from hnn_gym.envs.stepping_torch import TorchSteps
from hnn_gym.errors import NotCompiledWarning
from hnn_gym.systems import OrbitTransfer, PendulumSwingUp, SpringSweep

WORLD = "HNNPendulum-v0"
WEIGHT, WEIGHTS, GOAL = 0.5, [0.5], np.array([1.0, 0.0, 0.0])


class Settings:
    weight = 0.5


class Shorter(PendulumSwingUp):
    max_episode_steps = 100


class Weighted(PendulumSwingUp):
    """A reward that changes from step to step, as a curriculum does."""

    def __init__(self, weight: float = 1.0) -> None:
        self.weight = weight

    def reward(self, q: Any, v: Any, u: Any, next_q: Any, next_v: Any) -> Any:
        return self.weight * super().reward(q, v, u, next_q, next_v)


class Ending(PendulumSwingUp):
    fastest = 1e3

    def terminated(self, q: Any, v: Any) -> Any:
        return abs(v[..., 0]) > self.fastest


class Counting(PendulumSwingUp):
    calls = 0

    def reward(self, q: Any, v: Any, u: Any, next_q: Any, next_v: Any) -> Any:
        self.calls += 1
        return self.calls + 0 * q[..., 0]


class Weight:
    def __init__(self) -> None:
        self.weight = 0.5

    def __call__(self, seen: Any, force: Any, then: Any) -> Any:
        return self.weight * then[..., 2]


def _with(weight: Any) -> Callable[..., Any]:
    return lambda seen, force, then: weight * then[..., 2]


def _helped(seen: Any, force: Any, then: Any) -> Any:
    return _angle(then) ** 2


def _angle(seen: Any) -> Any:
    return WEIGHT * np.arctan2(seen[..., 1], seen[..., 0])


def _made(**options: Any) -> StepProgram:
    made = program_of(build_simulator(WORLD, **options))
    assert made is not None
    return made


INSIDE: dict[str, dict[str, Any]] = {
    "a subclass": {"task": Shorter()},
    "a reward of its own": {"task": Weighted()},
    "a termination of its own": {"task": Ending()},
    "a frozen module number": {"reward": lambda seen, force, then: -WEIGHT * then[..., 2] ** 2},
    "a list": {"reward": lambda seen, force, then: -WEIGHTS[0] * np.abs(then[..., 2])},
    "an array": {"reward": lambda seen, force, then: -((then - GOAL) ** 2).sum(-1)},
    "a class as a namespace of numbers": {"reward": functools.partial(lambda c, o, u, n: c * n[..., 2], 0.5)},
    "a closure": {"reward": _with(0.5)},
    "helpers": {"reward": _helped},
    "a callable object": {"reward": Weight()},
    "functions of NumPy": {"reward": lambda o, u, n: np.where(n[..., 0] > 0, np.cos(n[..., 2]), -np.tanh(u[..., 0]))},
    "a constant": {"reward": lambda seen, force, then: 0 * seen[..., 0] + 1.0},
    "starts": {"task": Weighted(), "starts": np.array([[1.0, 0.0, 0.5]])},
}


@pytest.mark.parametrize("name", INSIDE)
def test_a_users_own_task_or_reward_is_compiled_and_gives_the_same_numbers(name: str) -> None:
    options = INSIDE[name]
    with warnings.catch_warnings():
        warnings.simplefilter("error", NotCompiledWarning)
        made = _made(**options)
        assert not made.outside
        env, envs = SimulatorEnv(WORLD, **options), SimulatorVectorEnv(WORLD, num_envs=3, **options)
        for each in (env, envs):
            each.reset(seed=0)
            each.action_space.seed(0)
    for _ in range(3):
        for each, x in ((env, env.phase_point), (envs, envs.batch.x.copy())):
            action = each.action_space.sample().astype(float)
            expected = reference_step(each.unwrapped._simulator if each is env else envs.batch.simulator, x, action)
            observation, reward, terminated, *_ = each.step(action)
            np.testing.assert_allclose(observation, expected.observation, rtol=1e-6, atol=1e-7)
            np.testing.assert_allclose(reward, expected.reward, rtol=1e-9, atol=1e-12)
            np.testing.assert_array_equal(terminated, expected.terminated)


RNG = np.random.default_rng(0)


def _printing(seen: Any, force: Any, then: Any) -> Any:
    print(then)
    return then[..., 0]


def _remembering(seen: Any, force: Any, then: Any) -> Any:
    Settings.last = then
    return then[..., 0]


OUTSIDE: dict[str, tuple[dict[str, Any], str]] = {
    "a counter": ({"task": Counting()}, "The reward of Counting is called outside .*: it sets calls"),
    "random numbers of NumPy": (
        {"reward": lambda seen, force, then: then[..., 0] + np.random.normal()},
        "it draws random numbers",
    ),
    "a generator": ({"reward": lambda seen, force, then: then[..., 0] + RNG.normal()}, "it reads RNG, a Generator"),
    "random numbers of Python": (
        {"reward": lambda seen, force, then: then[..., 0] + random.random()},
        "it draws random numbers",
    ),
    "a class that can be changed": (
        {"reward": lambda seen, force, then: then[..., 0] * Settings.weight},
        "it reads Settings, a class Settings that may change unnoticed",
    ),
    "output": ({"reward": _printing}, "it calls print"),
    "a memory": ({"reward": _remembering}, "it sets last|it reads Settings"),
    "a branch": (
        {"reward": lambda seen, force, then: 1.0 * then[..., 0] if np.all(then[..., 0] > 2) else -then[..., 0]},
        "<lambda>: the function branches on a value",
    ),
    "an unknown function": (
        {"reward": lambda seen, force, then: np.linalg.norm(then, axis=-1)},
        "<lambda>: the function norm",
    ),
    "a batch that is looked at": (
        {"reward": lambda seen, force, then: then[..., 2] - then[..., 2].sum() * (then.ndim > 1)},
        "it gives other numbers for a batch of states than for each of them",
    ),
}


@pytest.mark.parametrize("name", OUTSIDE)
def test_a_function_that_cannot_be_compiled_is_called_outside_and_a_warning_says_why(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    options, words = OUTSIDE[name]
    with pytest.warns(NotCompiledWarning, match=words):
        made = _made(**options)
    assert made.outside == ("reward",)
    assert {"q", "next_v"} <= set(made.program.outputs)
    env = SimulatorEnv(WORLD, **options)
    env.reset(seed=0)
    env.step(np.zeros(1))
    if words.startswith("it calls") or "function" in words:
        q, v = np.split(env.state, 2)
        seen = env.world.coordinates.observation(q, v)
        _, reward, *_ = env.step(np.ones(1))
        then = env.world.coordinates.observation(*np.split(env.state, 2))
        assert reward == pytest.approx(float(options["reward"](seen, np.ones(1), then)), rel=1e-12)
    envs = SimulatorVectorEnv(WORLD, num_envs=2, **options)
    envs.reset(seed=0)
    assert envs.step(np.zeros((2, 1)))[1].shape == (2,)


def test_a_counting_reward_counts_every_step() -> None:
    env = SimulatorEnv(WORLD, task=Counting())
    env.reset(seed=0)
    rewards = [env.step(np.zeros(1))[1] for _ in range(3)]
    assert np.diff(rewards).tolist() == [1.0, 1.0]


def test_a_function_may_be_opaque_in_the_objects_it_reads() -> None:
    class Table:
        def __getitem__(self, index: int) -> float:
            return 1.0

    table, env = Table(), SimulatorEnv(WORLD)
    with pytest.raises(Opaque, match="it reads table, a Table with __getitem__"):
        readings_of(lambda seen, force, then: table[0] * then[..., 0])
    with pytest.raises(Opaque, match="it reads env, a SimulatorEnv with __"):
        readings_of(lambda seen, force, then: env.state[0] * then[..., 0])
    with pytest.raises(Opaque, match="it sets WEIGHT"):
        readings_of(_setting_a_global)


def _setting_a_global(seen: Any, force: Any, then: Any) -> Any:
    global WEIGHT
    WEIGHT = 2 * WEIGHT
    return then[..., 0]


class _Config:
    def __init__(self) -> None:
        self.nested = Weight()
        self.goal = np.zeros(3)


def _change(kind: str, value: float) -> None:
    global WEIGHT
    if kind == "global":
        WEIGHT = value
    elif kind == "list":
        WEIGHTS[0] = value
    elif kind == "array":
        GOAL[0] = value
    elif kind == "attribute":
        CONFIG.nested.weight = value


CONFIG = _Config()
CHANGING: dict[str, tuple[Callable[..., Any], str]] = {
    "global": (lambda seen, force, then: WEIGHT + 0 * then[..., 0], "WEIGHT has changed"),
    "list": (lambda seen, force, then: WEIGHTS[0] + 0 * then[..., 0], "WEIGHTS has changed"),
    "array": (lambda seen, force, then: GOAL[0] + 0 * then[..., 0], "GOAL has changed"),
    "attribute": (lambda seen, force, then: CONFIG.nested.weight + 0 * then[..., 0], "Weight.weight has changed"),
}


@pytest.mark.parametrize("kind", CHANGING)
def test_values_that_a_reward_reads_may_change_in_the_middle_of_an_episode(kind: str) -> None:
    reward, words = CHANGING[kind]
    _change(kind, 1.0)
    env, envs = SimulatorEnv(WORLD, reward=reward), SimulatorVectorEnv(WORLD, num_envs=3, reward=reward)
    twin = SimulatorVectorEnv(WORLD, num_envs=3)
    imagination = Imagination(build_simulator(WORLD, reward=reward))
    for each in (env, envs, twin):
        each.reset(seed=0)
    assert env.step(np.zeros(1))[1] == 1.0
    assert envs.step(np.ones((3, 1)))[1].tolist() == [1.0] * 3
    twin.step(np.ones((3, 1)))
    assert imagination.step(np.zeros((2, 2)), np.zeros((2, 1)))[1].tolist() == [1.0] * 2
    _change(kind, 2.0)
    with pytest.warns(NotCompiledWarning, match=words):
        assert env.step(np.zeros(1))[1] == 2.0
    with pytest.warns(NotCompiledWarning, match=words):
        observation, rewards, *_ = envs.step(np.ones((3, 1)))
    assert rewards.tolist() == [2.0] * 3
    np.testing.assert_array_equal(observation, twin.step(np.ones((3, 1)))[0])
    with pytest.warns(NotCompiledWarning, match=words):
        assert imagination.step(np.zeros((2, 2)), np.zeros((2, 1)))[1].tolist() == [2.0] * 2
    _change(kind, 3.0)
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # the warning came before; now the function is called as it is
        assert env.step(np.zeros(1))[1] == 3.0
        assert envs.step(np.ones((3, 1)))[1].tolist() == [3.0] * 3
        assert imagination.step(np.zeros((2, 2)), np.zeros((2, 1)))[1].tolist() == [3.0] * 2


def test_values_that_a_shipped_task_reads_may_change_too() -> None:
    task = OrbitTransfer()
    env = SimulatorEnv("TwoBody-v0", task=task)
    env.reset(seed=0)
    env.step(np.zeros(2))
    task.target_distance = 2.0  # type: ignore[misc]
    before = env.phase_point
    expected = reference_step(env._simulator, before, np.zeros(2))
    with pytest.warns(NotCompiledWarning, match="OrbitTransfer.target_distance has changed"):
        assert env.step(np.zeros(2))[1] == pytest.approx(float(expected.reward), rel=1e-9)


def test_a_method_of_a_task_may_be_replaced_on_the_object() -> None:
    task = PendulumSwingUp()
    env = SimulatorEnv(WORLD, task=task)
    env.reset(seed=0)
    env.step(np.zeros(1))
    task.reward = lambda q, v, u, next_q, next_v: 7.0 + 0 * q[..., 0]  # type: ignore[method-assign]
    with pytest.warns(NotCompiledWarning, match="PendulumSwingUp.reward has changed"):
        assert env.step(np.zeros(1))[1] == 7.0


def test_a_termination_alone_may_be_called_outside() -> None:
    class Random(PendulumSwingUp):
        def terminated(self, q: Any, v: Any) -> Any:
            return (v[..., 0] > RNG.normal() * 0 - 1e9) & (q[..., 0] == q[..., 0])

    task = Random()
    with pytest.warns(NotCompiledWarning, match="The termination of Random is called outside"):
        made = _made(task=task)
    assert made.outside == ("terminated",)
    env, envs = SimulatorEnv(WORLD, task=task), SimulatorVectorEnv(WORLD, num_envs=2, task=task)
    for each in (env, envs):
        each.reset(seed=0)
    assert env.step(np.zeros(1))[2] is True
    assert envs.step(np.zeros((2, 1)))[2].tolist() == [True, True]


@pytest.mark.parametrize("world", ["Spring-v0", "HNNSpring-v0"])
@pytest.mark.parametrize("actions", ["force", "bump", "force+bump"])
def test_a_goal_that_moves_is_compiled_with_the_time(world: str, actions: str) -> None:
    simulator = build_simulator(world, task="energy sweep", actions=actions, bump_limit=0.05)
    made = program_of(simulator)
    assert made is not None
    assert not made.outside
    env = SimulatorEnv(world, task="energy sweep", actions=actions, bump_limit=0.05)
    envs = SimulatorVectorEnv(
        world, num_envs=4, task="energy sweep", actions=actions, bump_limit=0.05, max_episode_steps=7, staggered=True
    )
    for each in (env, envs):
        each.reset(seed=0)
        each.action_space.seed(0)
    for k in range(20):
        action = env.action_space.sample().astype(float)
        expected = reference_step(simulator, env.phase_point, action, k * 0.05)
        observation, reward, *_ = env.step(action)
        np.testing.assert_allclose(observation, expected.observation, rtol=1e-6)
        assert reward == pytest.approx(float(expected.reward), rel=1e-9)
        actions_ = envs.action_space.sample().astype(float)
        x, t, begins = envs.batch.x.copy(), np.asarray(envs.batch.times), envs._done.copy()
        outcome = reference_step(simulator, x, actions_, t)
        observation, reward, *_ = envs.step(actions_)
        np.testing.assert_allclose(observation[~begins], outcome.observation[~begins], rtol=1e-6)
        np.testing.assert_allclose(reward[~begins], outcome.reward[~begins], rtol=1e-9)
        np.testing.assert_allclose(
            observation[begins, 2:], np.tile(SpringSweep().goal(np.zeros(())), (begins.sum(), 1))
        )


class _SlowSweep(SpringSweep):
    def at(self, t: Any) -> Any:
        return super().at(t + 0 * RNG.normal())


def test_a_moving_goal_that_cannot_be_compiled_into_the_reward_is_judged_outside() -> None:
    usual, own = SpringSweep(), _SlowSweep()
    with pytest.warns(NotCompiledWarning, match="The reward of _SlowSweep is called outside"):
        made = program_of(build_simulator("Spring-v0", task=own))
    assert made is not None
    assert made.outside == ("reward",)
    pairs = [SimulatorEnv("Spring-v0", task=task) for task in (usual, own)]
    batches = [SimulatorVectorEnv("Spring-v0", num_envs=3, task=task) for task in (usual, own)]
    for each in (*pairs, *batches):
        each.reset(seed=0)
    for _ in range(5):
        one, other = (env.step(np.ones(1)) for env in pairs)
        assert one[1] == pytest.approx(other[1], rel=1e-9)
        many, others = (envs.step(np.ones((3, 1))) for envs in batches)
        np.testing.assert_allclose(many[1], others[1], rtol=1e-9)


def test_physics_that_cannot_be_compiled_says_so_with_its_place() -> None:
    with pytest.warns(NotCompiledWarning, match=r"SpringHold is not compiled.*: Lattice\."):
        assert program_of(build_simulator("HNNSpring-v0", exactly_reversible=True)) is None


class _Replayed:
    """A CUDA graph without a GPU: the function again, on the tensors of the capture."""

    def __init__(self, function: Callable[..., Any], inputs: tuple[torch.Tensor, ...]) -> None:
        self._function, self._inputs = function, [tensor.clone() for tensor in inputs]

    def __call__(self, *inputs: torch.Tensor) -> dict[str, torch.Tensor]:
        for tensor, given in zip(self._inputs, inputs, strict=True):
            tensor.copy_(given)
        return dict(self._function(*self._inputs))


@pytest.mark.parametrize("options", [{"task": "energy sweep"}, {"task": _SlowSweep()}, {}])
def test_a_captured_step_is_given_the_time_and_judged_outside_where_it_must_be(
    options: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hnn_gym.envs.stepping_torch._Captured", _Replayed)
    simulator = build_simulator("HNNSpring-v0", **options)
    x = torch.tensor([[0.5, 0.1], [0.2, -0.3]], dtype=torch.float64)
    steps = TorchSteps(simulator, x)
    steps._traced, steps._capture = program_of(simulator), True  # as on a GPU
    for t in (0.0, 1.0):
        action, times = torch.ones((2, 1), dtype=torch.float64), torch.full((2,), t, dtype=torch.float64)
        outcome = steps(x, action, times if options else None)
        expected = reference_step(simulator, x.numpy(), action.numpy(), np.full(2, t) if options else 0.0)
        np.testing.assert_allclose(outcome.reward.numpy(), expected.reward, rtol=1e-9)
        np.testing.assert_allclose(outcome.observation.numpy(), expected.observation, rtol=1e-6)
        assert outcome.info.keys() == expected.info.keys()
        x = outcome.x


@pytest.mark.parametrize("actions", ["bump", "force+bump"])
@pytest.mark.parametrize("world", ["Pendulum-v1", WORLD, "HNNTwoBody-v0", "ThreeBody-v0"])
def test_bumps_are_compiled_including_clipped_ones(world: str, actions: str) -> None:
    simulator = build_simulator(world, actions=actions, bump_limit=50.0)
    env = SimulatorEnv(world, actions=actions, bump_limit=50.0)
    assert program_of(simulator) is not None
    for request in (0.0, 1e-3, 0.7, 20.0, -1e-3, -0.7, -20.0):
        env.reset(seed=3)
        action = np.zeros(env.action_space.shape or ())
        action[-1] = request
        expected = reference_step(simulator, env.phase_point, action)
        observation, reward, _, _, info = env.step(action)
        np.testing.assert_allclose(observation, expected.observation, rtol=1e-6, atol=1e-6)
        assert reward == pytest.approx(float(expected.reward), rel=1e-9, abs=1e-12)
        for name, value in expected.info.items():
            assert info[name] == pytest.approx(float(value), rel=1e-9, abs=1e-12)


@pytest.mark.parametrize("env_id", ["SpringBump-v0", "HNNTwoBodyBump-v0", "ThreeBody-v0", WORLD, "BumpByForce"])
def test_info_has_the_same_names_at_reset_and_in_every_step(env_id: str) -> None:
    if env_id == "BumpByForce":
        env: Any = hnn_gym.BumpByForce(gymnasium.make("Pendulum-v1"), WORLD)
    else:
        env = gymnasium.make(env_id)
    _, start = env.reset(seed=0)
    *_, info = env.step(np.zeros(env.action_space.shape))
    assert start.keys() == info.keys()
    assert {name: type(value) for name, value in start.items()} == {name: type(v) for name, v in info.items()}
    assert all(not value for name, value in start.items() if name != "energy")
    if env_id == "BumpByForce":
        return
    envs = gymnasium.make_vec(env_id, 2, vectorization_mode="vector_entry_point", max_episode_steps=1)
    _, start = envs.reset(seed=0)
    for _ in range(3):  # a step, a beginning, a step
        *_, infos = envs.step(envs.action_space.sample())
        assert start.keys() == infos.keys()
        assert {name: value.dtype for name, value in start.items()} == {name: v.dtype for name, v in infos.items()}


@pytest.mark.parametrize("env_id", ["HNNReacher-v0", "HNNAcrobot-v0"])
def test_bumps_are_compiled_where_the_masses_depend_on_the_positions(env_id: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error", NotCompiledWarning)
        env = gymnasium.make(env_id, actions="bump").unwrapped
        env.reset(seed=0)
        for energy in (0.5, -0.2):
            action = np.full(1, energy, np.float32)
            expected = reference_step(env._simulator, env.phase_point, action.astype(float))  # type: ignore[attr-defined]
            np.testing.assert_allclose(env.step(action)[0], expected.observation, rtol=1e-6, atol=1e-7)  # float32
