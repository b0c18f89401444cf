"""Worlds and agents as ONNX files: onnxruntime computes what NumPy and torch do."""

from __future__ import annotations

import builtins
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import pytest
from gymnasium.spaces import Box

import hnn_gym
from hnn_gym.agents import AgentRecipe, ShacPolicy, export_onnx, train_agent
from hnn_gym.coordinates import Control, Coordinates, DegreeOfFreedom
from hnn_gym.envs.build import build_simulator
from hnn_gym.errors import InputError
from hnn_gym.models import MechanicalHNN, Variables
from hnn_gym.page.description import largest_forces
from hnn_gym.physics.integrators import ImplicitMidpoint
from hnn_gym.trace import trace
from hnn_gym.trace.onnx_graph import model
from hnn_gym.worlds.world_model import WorldModel

pytest.importorskip("onnx", reason="the extra onnx is not installed")
runtime = pytest.importorskip("onnxruntime", reason="the extra onnx is not installed")


def run(path: Path | bytes, **inputs: np.ndarray) -> dict[str, np.ndarray]:
    session = runtime.InferenceSession(path, providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]
    return dict(zip(names, session.run(None, inputs), strict=True))


def test_a_step_of_a_world_is_that_of_numpy(shipped_world: str, tmp_path: Path) -> None:
    simulator = build_simulator(shipped_world)
    world, rng = simulator.world, np.random.default_rng(0)
    starts = [simulator.task.initial(rng, {}) for _ in range(5)]
    q, v = (np.array(part) for part in zip(*starts, strict=True))
    scales = np.array([control.scale for control in world.coordinates.controls])
    action = rng.uniform(-1, 1, (5, len(scales))) * largest_forces(simulator) / scales
    dt = world.dt * np.array([[1.0], [0.5], [1.0], [0.1], [1.0]])
    inputs = {"state": np.concatenate([q, v], axis=-1), "action": action, "dt": dt}
    x = world.step(world.phase_point(q, v), action, duration=dt[:, 0])
    next_q, next_v = world.state(x)
    expected = {"next_state": np.concatenate([next_q, next_v], axis=-1)}
    expected["observation"] = world.coordinates.observation(next_q, next_v)
    if world.has_energy:
        expected["energy"] = world.energy(x)
    # An implicit substep of h seconds ends its iterations at 16 roundings of the state: 16 / h of a velocity.
    substeps = getattr(world.integrator, "count", 1)
    rate = 16 * substeps / world.dt if substeps > 1 else 0.0
    for dtype, roundings in (("float64", 1e-12), ("float32", 1e-6)):
        tolerance = max(roundings, rate * np.finfo(dtype).eps)
        world.export_onnx(tmp_path / "world.onnx", dtype=dtype)
        found = run(tmp_path / "world.onnx", **{name: value.astype(dtype) for name, value in inputs.items()})
        assert found.keys() == expected.keys()
        for output, value in expected.items():
            assert found[output].dtype == dtype
            scale = max(1.0, float(np.abs(value).max())) * (10 if output == "energy" else 1)  # a sum of larger terms
            np.testing.assert_allclose(
                found[output], value, rtol=0, atol=tolerance * scale, err_msg=f"{output} {dtype}"
            )


def test_an_iteration_inside_a_mass_matrix_is_exported(tmp_path: Path) -> None:
    coordinates = Coordinates(
        (DegreeOfFreedom(position=0, velocity=1), DegreeOfFreedom(position=2, velocity=3, angle=True)),
        (Control(degree=0, unit="N"),),
    )
    ones = (1.0, 1.0)
    variables = Variables((False, True), ones, ones, ones, (0,), (10.0,), in_physical_units=True)
    architecture = MechanicalHNN(variables=variables, mass_matrix="full")
    parameters = architecture.initial_parameters(np.random.default_rng(0))
    world = WorldModel.built(architecture, parameters, coordinates=coordinates, integrator=ImplicitMidpoint(), dt=0.02)
    world.export_onnx(tmp_path / "world.onnx")
    state, action = np.array([[0.1, 0.3, 0.2, -0.1], [0.0, -1.0, 0.5, 2.0]]), np.array([[1.0], [-3.0]])
    found = run(tmp_path / "world.onnx", state=state, action=action, dt=np.full((2, 1), 0.02))
    expected = np.concatenate(world.state(world.step(world.phase_point(*np.split(state, 2, -1)), action)), axis=-1)
    np.testing.assert_allclose(found["next_state"], expected, rtol=0, atol=1e-12)


def test_factors_that_are_one_in_float32_alone_are_kept() -> None:
    made = model(trace(lambda x: {"more": x * (1 + 2e-8), "less": x / (1 + 2e-8)}, x=1))
    found = run(made.SerializeToString(), x=np.array([[3.0]]))
    np.testing.assert_allclose([found["more"], found["less"]], [[[3 + 6e-8]], [[3 - 6e-8]]], rtol=0, atol=1e-14)


def operations(x: np.ndarray) -> dict[str, np.ndarray]:
    a, b, c = (x[..., i] for i in range(3))
    wrapped = (x + np.pi) % (2 * np.pi) - np.pi
    return {
        "values": np.stack([a % 3.0, np.floor(c), abs(a), np.exp(b), np.cos(a), np.tan(c), 0 * b + 2.0], axis=-1),
        "wrapped": wrapped,
        "clipped": np.clip(x, -0.5, 0.5),
        "chosen": np.where((a > b) & ~(c < 0.0), a, np.minimum(b, c)),
        "truth": (a > b) | (c >= 0.0),
        "finite": np.isfinite(1 / (a - a + c)),
    }


def test_every_operation_means_the_same_in_onnx() -> None:
    x = np.array([[0.3, -4.2, 2.5], [7.9, 8.1, -3.0], [2.0, -0.1, 0.2]])
    found = run(model(trace(operations, x=3)).SerializeToString(), x=x)
    for name, value in operations(x).items():
        np.testing.assert_allclose(found[name], value, rtol=1e-13, atol=1e-13, err_msg=name)


def test_an_operation_that_onnx_lacks_is_named() -> None:
    with pytest.raises(InputError, match="ONNX has no operation for atan2"):
        model(trace(lambda x: {"angle": np.atan2(x[0], x[1])}, x=2))


RECIPES: dict[str, dict[str, Any]] = {
    "ppo": {"n_steps": 8, "batch_size": 32, "n_epochs": 1},
    "a2c": {"n_steps": 8},
    "sac": {"learning_starts": 16, "batch_size": 16, "buffer_size": 500},
    "td3": {"learning_starts": 16, "batch_size": 16, "buffer_size": 500},
    "dqn": {"learning_starts": 16, "batch_size": 16, "buffer_size": 500},
}


@pytest.mark.parametrize("algo", RECIPES)
def test_an_agent_acts_as_in_stable_baselines3(algo: str, tmp_path: Path) -> None:
    recipe = AgentRecipe(4, 64, 1e-3, hidden=(16, 16), arguments=RECIPES[algo])
    world: Any = build_simulator("HNNPendulum-v0").world
    if algo == "dqn":
        world = mountain_car()
    agent = train_agent(world, algo, recipe=recipe)
    rng = np.random.default_rng(0)
    observation = rng.normal(0, 2, (50, agent.observation_space.shape[0])).astype(np.float32)
    export_onnx(agent, tmp_path / "agent.onnx")
    found = run(tmp_path / "agent.onnx", observation=observation)["action"]
    np.testing.assert_allclose(found, agent.predict(observation, deterministic=True)[0], rtol=0, atol=1e-5)


def mountain_car() -> WorldModel:
    """A world with whole-number actions, hardly trained."""
    dataset = hnn_gym.record_steps(gymnasium.make("MountainCar-v0"), steps=60, seed=0)
    settings = hnn_gym.FitSettings(adam_steps=3, lbfgs_steps=0)
    return hnn_gym.train_world(dataset, "mechanical", settings=settings)


def test_a_policy_on_numpy_is_traced(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    shapes = {"policy.w0": (8, 3), "policy.b0": (8,), "policy.w1": (1, 8), "policy.b1": (1,)}
    parameters = {name: rng.normal(size=shape) for name, shape in shapes.items()} | {"scale": np.ones(3)}
    policy = ShacPolicy(parameters, Box(-8, 8, (3,), np.float64), Box(-2, 2, (1,), np.float64))
    observation = rng.normal(0, 2, (20, 3))
    export_onnx(policy, tmp_path / "policy.onnx")
    found = run(tmp_path / "policy.onnx", observation=observation)["action"]
    np.testing.assert_allclose(found, policy.predict(observation)[0], rtol=0, atol=1e-12)


def test_a_planner_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="a planner needs its world"):
        export_onnx(hnn_gym.agents.Idle(Box(-1, 1, (1,))), tmp_path / "agent.onnx")  # type: ignore[attr-defined]


def test_without_the_package_the_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def missing(name: str, *rest: Any, **more: Any) -> Any:
        if name == "onnx":
            raise ImportError(name)
        return real(name, *rest, **more)

    monkeypatch.setattr(builtins, "__import__", missing)
    with pytest.raises(InputError, match=r'pip install "hnn-gym\[onnx\]"'):
        build_simulator("HNNSpring-v0").world.export_onnx(tmp_path / "world.onnx")
