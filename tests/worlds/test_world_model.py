"""The world, one object for true and learned physics: the true one is Pendulum-v1, learned ones survive the disk."""

import copy
import json
from dataclasses import replace

import gymnasium
import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hnn_gym.coordinates import Control, Coordinates, DegreeOfFreedom
from hnn_gym.errors import ExistingPathError, InputError, MissingPathError
from hnn_gym.files.checkpoint import read_checkpoint, write_checkpoint
from hnn_gym.models import (
    HNN,
    MODELS,
    Baseline,
    HelmholtzField,
    MechanicalHNN,
    PairwiseHNN,
    PlanarChainHNN,
    SecondOrderBaseline,
    SeparableHNN,
    Variables,
)
from hnn_gym.physics.dynamics import PortHamiltonian
from hnn_gym.physics.hamiltonians import NBody, Pendulum
from hnn_gym.physics.integrators import Euler, ImplicitMidpoint, Leapfrog, RungeKutta4, SymplecticEuler, Yoshida4
from hnn_gym.systems import coordinates_of
from hnn_gym.trace import scalar_code, trace
from hnn_gym.worlds.world_model import WorldModel

PENDULUM_V1 = coordinates_of("Pendulum-v1")
ROD = PortHamiltonian(Pendulum.of_gymnasium(), control=np.ones((1, 1)))
CART_POLE = Coordinates(
    (DegreeOfFreedom(position=0, velocity=1), DegreeOfFreedom(cos=2, sin=3, velocity=4)), (Control(degree=0),)
)
OF_CART_POLE = Variables((False, True), (2.0, 1.0), (0.6, 1.4), (2.0, 5.0), (0,), (10.0,))
PLANE = Coordinates(tuple(DegreeOfFreedom(position=i, velocity=4 + i) for i in range(4)))
OF_BODIES = Variables((False,) * 4, (1.0,) * 4, (0.7,) * 4, (1.0,) * 4)
ROWS = {
    "hnn": HNN(OF_CART_POLE, hidden=(8, 8)),
    "hnn with friction": HNN(OF_CART_POLE, hidden=(8,), damping=True),
    "separable": SeparableHNN(OF_CART_POLE, hidden=(8, 8)),
    "separable with friction": SeparableHNN(OF_CART_POLE, hidden=(8,), damping=True),
    "mechanical": MechanicalHNN(OF_CART_POLE, hidden=(8, 8)),
    "mechanical with friction": MechanicalHNN(OF_CART_POLE, hidden=(8,), damping=True),
    "mechanical with M(q)": MechanicalHNN(OF_CART_POLE, hidden=(8,), mass_matrix="full"),
    "chain with friction": PlanarChainHNN(OF_CART_POLE, damping=True),
    "pairwise": PairwiseHNN(OF_BODIES, hidden=(8,), softening=0.1),
    "baseline": Baseline(OF_CART_POLE, hidden=(8, 8)),
    "second-order": SecondOrderBaseline(OF_CART_POLE, hidden=(8, 8)),
    "helmholtz": HelmholtzField(OF_BODIES, hidden=(8, 8)),
}


def true_pendulum(**changes):
    return replace(WorldModel(PENDULUM_V1, ROD, SymplecticEuler(), 0.05), **changes)


def learned(row, seed=7):
    """An untrained world of a row, its parameters drawn away from their special initial values."""
    architecture, rng = ROWS[row], np.random.default_rng(seed)
    parameters = {k: v + 0.2 * rng.normal(size=v.shape) for k, v in architecture.initial_parameters(rng).items()}
    coordinates = PLANE if row in ("pairwise", "helmholtz") else CART_POLE
    integrator = architecture.integrator
    card = {"seed": seed, "figures": {"error": 1e-3}}
    return WorldModel.built(
        architecture, parameters, coordinates=coordinates, integrator=integrator, dt=0.02, card=card
    )


def start(world, *shape):
    x = np.random.default_rng(0).normal(size=(*shape, 2 * world.dynamics.n))
    if world.coordinates is PLANE:
        x[..., :2] += 3  # the two bodies keep apart
    return x


def actions(world, *shape):
    return np.random.default_rng(1).normal(size=(*shape, len(world.coordinates.controls)))


def test_every_kind_of_model_has_a_row_here():
    assert {architecture.kind for architecture in ROWS.values()} == set(MODELS)


# Truth = learned: what a learned world is compared with.


@pytest.mark.parametrize("seed", range(8))
def test_the_true_H_is_pendulum_v1_over_five_episodes_of_random_torque(seed):
    world, rng = true_pendulum(), np.random.default_rng(seed)
    env = gymnasium.make("Pendulum-v1").unwrapped
    worst = 0.0
    for _ in range(5):
        env.reset(seed=int(rng.integers(2**31)))
        x = world.phase_point(env.state[:1], env.state[1:])
        for action in rng.uniform(-2.5, 2.5, (200, 1)):  # also beyond the torque that either clips
            env.step(action)
            x = world.step(x, action)
            worst = max(worst, np.abs(np.concatenate(world.state(x)) - env.state).max())
    # Episodes of 200 steps, as the environment's. p = m v and v = p / m round otherwise than v alone does, by some
    # 1e-16 a step, and the motion is chaotic: 8e-11 in the worst of a hundred episodes. Without a reset the worst of
    # 20 runs of 1,000 steps is 1e-2 rad off, and so is Pendulum-v1 from itself, when its start is moved by one bit.
    assert worst < 1e-9


def test_every_single_step_of_pendulum_v1_is_a_step_of_the_true_H_and_the_speed_is_clipped_as_often():
    world, rng = true_pendulum(), np.random.default_rng(0)
    env = gymnasium.make("Pendulum-v1").unwrapped
    env.reset(seed=0)
    clipped = 0
    for action in rng.uniform(-2.5, 2.5, (5000, 1)):
        x = world.phase_point(env.state[:1], env.state[1:])
        observation, *_ = env.step(action)
        x = world.step(x, action)
        # One step from the same state: rounding of an angle that has wound up to some 30 rad.
        np.testing.assert_allclose(np.concatenate(world.state(x)), env.state, rtol=0, atol=1e-13)
        np.testing.assert_allclose(world.decode(x), observation, rtol=0, atol=1e-6)  # observed in float32
        assert (abs(env.state[1]) == 8.0) == (abs(world.state(x)[1][0]) == 8.0)
        clipped += abs(env.state[1]) == 8.0
    assert clipped > 20


def test_a_learned_world_whose_parameters_are_the_truth_is_the_true_world():
    # V = k (1 - cos q) is a network without hidden layers on (cos q, sin q).
    variables = Variables((True,), (1.0,), (1.0,), (1.0,), (0,), (1.0,), in_physical_units=True)
    parameters = {"potential.w0": np.array([[5.0, 0.0]]), "inertia.log": np.log([1 / 3])}
    world = WorldModel.built(
        MechanicalHNN(variables, hidden=()), parameters, coordinates=PENDULUM_V1, integrator=SymplecticEuler(), dt=0.05
    )
    truth = true_pendulum()
    x0, torque = np.random.default_rng(0).normal(size=(6, 2)), np.random.default_rng(1).uniform(-2, 2, (200, 6, 1))
    # Rounding, magnified by 200 steps of a pendulum that passes its unstable point.
    np.testing.assert_allclose(world.rollout(x0, torque), truth.rollout(x0, torque), rtol=0, atol=1e-9)
    np.testing.assert_allclose(world.energy(x0), truth.energy(x0), rtol=1e-12, atol=1e-12)


# Stepping.


@pytest.mark.parametrize("row", ROWS)
def test_a_rollout_is_its_steps_one_by_one_for_any_batch(row):
    world = learned(row)
    for shape in [(), (3,), (2, 3)]:
        x, u = start(world, *shape), actions(world, 4, *shape)
        trajectory = world.rollout(x, u)
        assert trajectory.shape == (5, *shape, x.shape[-1])
        for k in range(4):
            np.testing.assert_array_equal(trajectory[k], x)
            x = world.step(x, u[k])


@pytest.mark.parametrize("row", ROWS)
def test_encoding_undoes_decoding(row):
    world = learned(row)
    x = start(world, 4)
    # cos, sin and atan2, and p = M(q) v with a small solve: rounding.
    np.testing.assert_allclose(world.encode(world.decode(x)), x, rtol=0, atol=1e-12)


@pytest.mark.parametrize(
    "row", [row for row in ROWS if "friction" not in row and row not in ("baseline", "second-order")]
)
def test_backwards_undoes_a_rollout_under_control(row):
    world = learned(row)
    x0, u = start(world, 3), actions(world, 20, 3)
    there = world.rollout(x0, u)
    # Rounding of 20 steps there and back; the implicit scheme solves to 16 eps.
    np.testing.assert_allclose(world.backwards.rollout(there[-1], u[::-1]), there[::-1], rtol=0, atol=1e-10)
    assert world.backwards.backwards.dt == world.dt


def test_backwards_undoes_symplectic_euler_with_friction_to_the_stated_order():
    def gap(dt):
        world = replace(learned("mechanical with friction"), dt=dt)
        x0 = start(world, 3)
        return np.abs(world.backwards.step(world.step(x0)) - x0).max()

    # O(dt^2): a quarter at half the step.
    assert gap(0.02) / gap(0.01) == pytest.approx(4, rel=0.1)


def test_backwards_is_refused_for_schemes_without_an_inverse():
    with pytest.raises(InputError, match="Euler cannot be run backwards"):
        _ = learned("baseline").backwards


def test_without_an_action_no_force_acts():
    world = true_pendulum()
    x = np.array([0.3, -0.1])
    np.testing.assert_array_equal(world.step(x), world.step(x, np.zeros(1)))
    np.testing.assert_array_equal(world.rollout(x, steps=3)[1], world.step(x))


def test_actions_beyond_the_limit_act_as_the_limit():
    world = true_pendulum()
    x = np.array([0.3, -0.1])
    np.testing.assert_array_equal(world.step(x, np.array([50.0])), world.step(x, np.array([2.0])))


def test_every_degree_of_freedom_has_its_own_speed_limit():
    limits = (1.0, None, 2.0, 3.0)
    degrees = tuple(DegreeOfFreedom(position=i, velocity=4 + i, speed_limit=limit) for i, limit in enumerate(limits))
    free = WorldModel(Coordinates(degrees), PortHamiltonian(NBody(gravity=0.0)), SymplecticEuler(), 0.1)
    x = np.array([0.0, 0, 5, 5, 9, 9, -9, 1])
    # Without forces a body moves at its speed, or at the limit where that is less.
    np.testing.assert_allclose(free.step(x), [0.1, 0.9, 4.8, 5.1, 1, 9, -2, 1], rtol=1e-15)
    on_torch = free.like(torch.tensor(x)).step(torch.tensor(x)[None])
    np.testing.assert_array_equal(on_torch[0].numpy(), free.step(x))


def test_a_network_stepped_by_euler_moves_at_the_speed_limit_as_the_game_that_it_learns_does():
    degrees = tuple(DegreeOfFreedom(position=i, velocity=4 + i, speed_limit=1.0) for i in range(4))
    free = WorldModel(Coordinates(degrees), PortHamiltonian(NBody(gravity=0.0)), Euler(), 0.1)
    x = np.array([0.0, 0, 5, 5, 3, 0.5, -3, 1])
    np.testing.assert_allclose(free.step(x), [0.1, 0.05, 4.9, 5.1, 1, 0.5, -1, 1], rtol=1e-15)


def test_a_step_of_another_size_is_refused():
    world = true_pendulum()
    with pytest.raises(InputError, match=r"phase points \(\.\.\., 2\), and their shape is \(4, 3\)"):
        world.step(np.zeros((4, 3)), np.zeros((4, 1)))
    with pytest.raises(InputError, match=r"actions \(\.\.\., 1\), and their shape is \(4, 2\)"):
        world.step(np.zeros((4, 2)), np.zeros((4, 2)))


def test_another_time_step_is_the_same_physics():
    world, x = true_pendulum(), np.array([0.3, -0.1])
    fine = world.with_dt(0.05 / 1000)
    assert fine.dt == 0.05 / 1000
    # Symplectic Euler is of order 1: at a thousandth of the step both start with the same velocity.
    rate = (fine.step(x) - x) / fine.dt
    np.testing.assert_allclose(rate, world.dynamics.field(x), atol=1e-3)
    assert world.dt == 0.05


@pytest.mark.parametrize("dt", [0.0, float("nan"), float("inf"), -float("inf")])
def test_an_invalid_time_step_is_refused(dt):
    with pytest.raises(InputError, match="dt must be"):
        true_pendulum(dt=dt)
    with pytest.raises(InputError, match="dt must be"):
        true_pendulum().with_dt(dt)


def test_parts_that_do_not_fit_are_refused():
    with pytest.raises(InputError, match="4 degrees of freedom and the coordinates 1"):
        true_pendulum(dynamics=PortHamiltonian(NBody()))
    with pytest.raises(
        InputError, match="Leapfrog needs dq/dt that depends on p alone, and NetworkHamiltonian is not of that kind"
    ):
        replace(learned("hnn"), integrator=Leapfrog())
    with pytest.raises(InputError, match="needs actions or a number of steps"):
        true_pendulum().rollout(np.zeros(2))


def test_energy_and_its_unit_are_given_only_where_they_are_known():
    assert true_pendulum().has_energy
    assert true_pendulum().energy_unit == "J"
    assert learned("mechanical").energy_unit == ""  # the force on the cart has no unit, so neither has H
    assert (
        replace(learned("mechanical"), coordinates=Coordinates(CART_POLE.degrees, (Control(0, unit="N"),))).energy_unit
        == "J"
    )
    assert not learned("baseline").has_energy
    with pytest.raises(InputError, match="A Baseline world has no Hamiltonian: use"):
        learned("baseline").energy(np.zeros(4))


# On other array libraries.


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("row", ROWS)
def test_numpy_and_torch_step_alike(row, dtype):
    world = learned(row)
    x, u = start(world, 3), actions(world, 5, 3)
    on_torch = world.like(torch.zeros(1, dtype=dtype))
    found = on_torch.rollout(torch.tensor(x, dtype=dtype), torch.tensor(u, dtype=dtype))
    assert found.dtype == dtype
    # Rounding of five steps, with forces of order 10.
    tolerance = 1e-11 if dtype == torch.float64 else 1e-4
    np.testing.assert_allclose(found.numpy(), world.rollout(x, u), rtol=tolerance, atol=tolerance)
    observed = on_torch.decode(torch.tensor(x, dtype=dtype))
    np.testing.assert_allclose(observed.numpy(), world.decode(x), rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("row", ROWS)
def test_a_world_comes_back_from_torch_bit_for_bit(row):
    world = learned(row)
    there = world.like(torch.zeros(1, dtype=torch.float64))
    back = there.like(np.zeros(1))
    x, u = start(world, 3), actions(world, 3)
    np.testing.assert_array_equal(back.step(x, u), world.step(x, u))
    assert all(isinstance(value, torch.Tensor) for value in there.parameters.values())


def test_true_physics_moves_between_libraries_with_its_port():
    world = true_pendulum(dynamics=replace(ROD, damping=np.array([0.1])))
    x, u = np.array([0.3, -0.1]), np.array([1.5])
    on_torch = world.like(torch.zeros(1, dtype=torch.float64))
    np.testing.assert_allclose(on_torch.step(torch.tensor(x), torch.tensor(u)).numpy(), world.step(x, u), rtol=1e-14)
    np.testing.assert_array_equal(on_torch.like(x).step(x, u), world.step(x, u))


def test_parameters_in_training_can_be_stepped_on_numpy_and_saved(tmp_path):
    world = learned("mechanical").like(torch.zeros(1, dtype=torch.float64))
    trained = {name: value.clone().requires_grad_() for name, value in world.parameters.items()}
    world = WorldModel.built(
        world.architecture, trained, coordinates=CART_POLE, integrator=SymplecticEuler(), dt=world.dt
    )
    x = start(world, 3)
    expected = learned("mechanical").step(x)
    np.testing.assert_array_equal(world.like(x).step(x), expected)
    world.save(tmp_path / "w")
    np.testing.assert_array_equal(WorldModel.load(tmp_path / "w").step(x), expected)


# On disk.


@pytest.mark.parametrize("row", ROWS)
def test_a_saved_world_is_loaded_bit_for_bit(row, tmp_path):
    world = learned(row)
    world.save(tmp_path / "w")
    loaded = WorldModel.load(tmp_path / "w")
    for name in ("coordinates", "integrator", "dt", "architecture", "card"):
        assert getattr(loaded, name) == getattr(world, name)
    assert loaded.parameters.keys() == world.parameters.keys()
    for name, value in world.parameters.items():
        assert loaded.parameters[name].tobytes() == value.tobytes()
    x, u = start(world, 3), actions(world, 5, 3)
    np.testing.assert_array_equal(loaded.rollout(x, u), world.rollout(x, u))
    loaded.like(torch.zeros(1, dtype=torch.float64)).step(torch.tensor(x))  # and moves on to torch


def test_the_settings_of_the_scheme_are_kept(tmp_path):
    world = replace(learned("hnn"), integrator=ImplicitMidpoint(max_iterations=77, tolerance=8.0))
    world.save(tmp_path / "w")
    assert WorldModel.load(tmp_path / "w").integrator == world.integrator
    replace(learned("separable"), integrator=Yoshida4()).save(tmp_path / "v")
    assert WorldModel.load(tmp_path / "v").integrator == Yoshida4()


def test_a_world_saved_in_single_precision_is_loaded_in_double(tmp_path):
    world = learned("mechanical").like(torch.zeros(1, dtype=torch.float32))
    world.save(tmp_path / "w")
    loaded = WorldModel.load(tmp_path / "w")
    for name, value in loaded.parameters.items():
        assert value.dtype == np.float64
        np.testing.assert_array_equal(value, world.parameters[name].numpy())


def test_an_existing_checkpoint_is_kept_unless_overwriting_is_asked_for(tmp_path):
    learned("hnn").save(tmp_path / "w")
    with pytest.raises(ExistingPathError, match="overwrite=True"):
        learned("mechanical").save(tmp_path / "w")
    assert WorldModel.load(tmp_path / "w").architecture.kind == "hnn"
    learned("mechanical").save(tmp_path / "w", overwrite=True)
    assert WorldModel.load(tmp_path / "w").architecture.kind == "mechanical"


def test_true_physics_is_not_saved(tmp_path):
    with pytest.raises(InputError, match="true physics, build it from code"):
        true_pendulum().save(tmp_path / "w")
    assert not (tmp_path / "w").exists()


def test_a_missing_checkpoint_is_missing(tmp_path):
    with pytest.raises(MissingPathError, match="nowhere"):
        WorldModel.load(tmp_path / "nowhere")


def rewritten(tmp_path, change_card=lambda card: None, change_arrays=lambda arrays: None):
    """A checkpoint of a mechanical world with its card and arrays changed, and its hash right again."""
    learned("mechanical").save(tmp_path / "w", overwrite=True)
    card, arrays = read_checkpoint(tmp_path / "w")
    change_card(card), change_arrays(arrays)
    for key in ("format", "version", "sha256"):
        card.pop(key, None)
    write_checkpoint(tmp_path / "w", card, arrays, overwrite=True)
    return tmp_path / "w"


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_arrays_that_are_not_numbers_are_refused(tmp_path, value):
    def spoil(arrays):
        arrays["potential.w0"][0, 0] = value

    with pytest.raises(InputError, match="hold NaN or infinity: the training failed"):
        WorldModel.load(rewritten(tmp_path, change_arrays=spoil))


@pytest.mark.parametrize(
    "spoil",
    [
        lambda arrays: arrays.pop("potential.w0"),
        lambda arrays: arrays.update(extra=np.zeros(2)),
        lambda arrays: arrays.update({"potential.w0": np.zeros((8, 4))}),
    ],
    ids=["missing", "extra", "other shape"],
)
def test_arrays_that_do_not_fit_the_card_are_refused(tmp_path, spoil):
    with pytest.raises(InputError, match="do not fit the model its card describes"):
        WorldModel.load(rewritten(tmp_path, change_arrays=spoil))


@pytest.mark.parametrize(
    ("place", "value"),
    [
        (["model", "kind"], "os.system"),
        (["model", "kind"], ["hnn"]),
        (["model", "hidden"], "8"),
        (["model", "depth"], 3),
        (["integrator", "scheme"], "hnn_gym.files.checkpoint.write_checkpoint"),
        (["integrator", "scheme"], "Leapfrog7"),
        (["integrator", "stages"], 3),
        (["variables", "control_degrees"], [5]),
        (["variables", "velocity_scales"], [1.0]),
        (["variables", "position_scales"], [0.0, 1.0]),
        (["coordinates", "degrees"], []),
        (["coordinates"], None),
        (["dt"], 0),
        (["dt"], "fast"),
        (["provenance"], 3),
    ],
)
def test_a_card_that_names_an_unknown_part_is_refused(tmp_path, place, value):
    def spoil(card):
        inner = card
        for key in place[:-1]:
            inner = inner[key]
        inner[place[-1]] = value

    with pytest.raises(InputError, match="does not describe a world this release knows"):
        WorldModel.load(rewritten(tmp_path, change_card=spoil))


def leaves(node, path=()):
    """Paths to every value in a JSON tree."""
    items = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for key, value in items:
        yield (*path, key)
        yield from leaves(value, (*path, key))


@settings(max_examples=80, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.data())
def test_a_card_with_any_one_value_changed_loads_and_steps_or_is_refused(tmp_path, data):
    if not (tmp_path / "w").exists():
        learned("mechanical").save(tmp_path / "w")
    card, arrays = read_checkpoint(tmp_path / "w")
    card = copy.deepcopy({k: v for k, v in card.items() if k not in ("format", "version", "sha256")})
    path = data.draw(st.sampled_from(sorted(leaves(card), key=str)))
    junk = st.none() | st.booleans() | st.integers(-3, 12) | st.floats(allow_nan=False, allow_infinity=False)
    value = data.draw(junk | st.text(max_size=3) | st.lists(junk, max_size=3) | st.just({}))
    inner = card
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] = value
    write_checkpoint(tmp_path / "changed", json.loads(json.dumps(card)), arrays, overwrite=True)
    try:
        world = WorldModel.load(tmp_path / "changed")
    except InputError:
        return
    with np.errstate(all="ignore"):  # an absurd scale may overflow; what counts is that it fails in no other way
        world.step(start(world, 2), actions(world, 2))


def test_a_runge_kutta_world_of_true_physics_can_be_stepped_but_not_reversed():
    world = true_pendulum(integrator=RungeKutta4())
    world.step(np.zeros(2), np.zeros(1))
    with pytest.raises(InputError, match="RungeKutta4 cannot be run backwards"):
        _ = world.backwards


@pytest.mark.parametrize("restitution", [0.0, 0.8])
def test_a_wall_removes_the_velocity_of_a_body_that_hits_it(restitution):
    wall = DegreeOfFreedom(position=0, velocity=1, stops=(-1.2, 0.6, restitution))
    hill = true_pendulum(coordinates=Coordinates((wall,), (Control(degree=0),)))
    free = true_pendulum(coordinates=Coordinates((replace(wall, stops=None),), (Control(degree=0),)))
    starts = np.array([[-1.19, -0.9], [0.0, 0.1]])
    x = hill.phase_point(*hill.coordinates.state(starts))
    after = hill.step(x, np.zeros((2, 1)))
    np.testing.assert_array_equal(after[1], free.step(x, np.zeros((2, 1)))[1])
    q, v = hill.state(after[0])
    assert q[0] == -1.2
    assert v[0] == pytest.approx(-restitution * free.state(free.step(x, np.zeros((2, 1))))[1][0, 0], abs=1e-15)
    lattice = hill.on_lattice()
    with pytest.raises(InputError, match="met a wall"):
        lattice.step(lattice.phase_point(*hill.coordinates.state(starts)), np.zeros((2, 1)))


def test_a_step_that_meets_a_wall_is_traced():
    wall = DegreeOfFreedom(position=0, velocity=1, stops=(-1.2, 0.6, 0.5))
    world = true_pendulum(coordinates=Coordinates((wall,), (Control(degree=0),)))
    run = scalar_code.compiled(trace(lambda x, u: {"x": world.step(x, u)}, x=2, u=1), {})
    for x in (world.phase_point(np.array([-1.19]), np.array([-0.9])), np.array([0.0, 0.1])):
        np.testing.assert_array_equal(run(x.tolist(), [0.3])[0], world.step(x, np.array([0.3])))
