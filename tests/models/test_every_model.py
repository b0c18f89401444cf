"""The contract of every model: a description that draws arrays and builds dynamics that its integrator can step."""

import json
from dataclasses import fields, replace

import numpy as np
import pytest
import torch

from hnn_gym.coordinates import Control, Coordinates, DegreeOfFreedom
from hnn_gym.errors import InputError
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
from hnn_gym.physics.dynamics import PortHamiltonian, Structure
from hnn_gym.physics.phase import join, split

CART_POLE = Variables((False, True), (2.0, 1.0), (0.6, 1.4), (2.0, 5.0), (0,), (10.0,))
BODIES = Variables((False,) * 4, (1.0,) * 4, (0.7,) * 4, (1.0,) * 4)
ROWS = {
    "hnn": HNN(CART_POLE, hidden=(8, 8)),
    "separable": SeparableHNN(CART_POLE, hidden=(8, 8)),
    "mechanical": MechanicalHNN(CART_POLE, hidden=(8, 8)),
    "mechanical with M(q)": MechanicalHNN(CART_POLE, hidden=(8,), mass_matrix="full"),
    "chain": PlanarChainHNN(CART_POLE),
    "pairwise": PairwiseHNN(BODIES, hidden=(8,)),
    "baseline": Baseline(CART_POLE, hidden=(8, 8)),
    "second-order": SecondOrderBaseline(CART_POLE, hidden=(8, 8)),
    "helmholtz": HelmholtzField(BODIES, hidden=(8, 8)),
}
HAMILTONIAN = ["hnn", "separable", "mechanical", "mechanical with M(q)", "chain"]


def arrays(architecture, seed=0):
    """Parameters drawn away from their special initial values."""
    rng = np.random.default_rng(seed)
    return {k: v + 0.2 * rng.normal(size=v.shape) for k, v in architecture.initial_parameters(rng).items()}


def state(architecture, *shape):
    x = np.random.default_rng(1).normal(size=(*shape, 2 * architecture.variables.n))
    if architecture.kind == "pairwise":
        x[..., :2] += 3
    return x


def control(architecture, *shape):
    return np.random.default_rng(2).normal(size=(*shape, len(architecture.variables.control_degrees)))


def test_every_kind_has_a_row_here_and_is_found_by_it():
    assert {architecture.kind for architecture in ROWS.values()} == set(MODELS)
    assert all(MODELS[architecture.kind] is type(architecture) for architecture in ROWS.values())


@pytest.mark.parametrize("row", ROWS)
def test_a_seed_gives_the_same_float64_arrays_and_another_seed_others(row):
    draw = ROWS[row].initial_parameters
    first, again, other = (draw(np.random.default_rng(seed)) for seed in (0, 0, 1))
    assert all(value.dtype == np.float64 and np.isfinite(value).all() for value in first.values())
    for name, value in first.items():
        np.testing.assert_array_equal(value, again[name])
    assert any((value != other[name]).any() for name, value in first.items())


@pytest.mark.parametrize("row", ROWS)
def test_its_own_integrator_steps_it(row):
    architecture = ROWS[row]
    dynamics = architecture.build(arrays(architecture))
    architecture.integrator.check(dynamics)
    x = state(architecture, 3)
    u = control(architecture, 3) if architecture.variables.control_degrees else None
    new = architecture.integrator.step(dynamics, x, 0.02, u)
    assert new.shape == x.shape
    assert np.isfinite(new).all()
    assert np.abs(new - x).max() > 1e-3


@pytest.mark.parametrize("row", ROWS)
def test_a_description_is_plain_json(row):
    architecture = ROWS[row]
    assert json.loads(json.dumps(architecture.hyperparameters()))
    assert {"variables", *architecture.hyperparameters()} == {field.name for field in fields(architecture)}


@pytest.mark.parametrize("shape", [(), (3,), (2, 3)])
@pytest.mark.parametrize("row", ROWS)
def test_the_field_is_the_same_on_torch_and_in_batches(row, shape):
    architecture = ROWS[row]
    dynamics = architecture.build(arrays(architecture))
    on_torch = architecture.build({k: torch.tensor(v) for k, v in arrays(architecture).items()})
    x = state(architecture, *shape)
    u = control(architecture, *shape) if architecture.variables.control_degrees else None
    found = on_torch.field(torch.tensor(x), None if u is None else torch.tensor(u)).numpy()
    # Forces of order 10, added in another order.
    np.testing.assert_allclose(found, dynamics.field(x, u), rtol=1e-12, atol=1e-12)
    for i in np.ndindex(shape):
        one = dynamics.field(x[i], None if u is None else u[i])
        np.testing.assert_allclose(one, dynamics.field(x, u)[i], rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("row", [row for row in ROWS if ROWS[row].variables.control_degrees])
def test_no_control_is_zero_control_unless_the_gain_says_otherwise(row):
    architecture = ROWS[row]
    dynamics = architecture.build(arrays(architecture))
    x = state(architecture, 3)
    np.testing.assert_allclose(dynamics.field(x), dynamics.field(x, np.zeros((3, 1))), rtol=1e-14, atol=1e-14)
    assert np.abs(dynamics.field(x, np.ones((3, 1))) - dynamics.field(x)).max() > 1e-2


@pytest.mark.parametrize("row", ROWS)
def test_every_parameter_gets_a_gradient_from_a_step(row):
    architecture = ROWS[row]
    parameters = {k: torch.tensor(v, requires_grad=True) for k, v in arrays(architecture).items()}
    dynamics = architecture.build(parameters)
    q, v = split(torch.tensor(state(architecture, 5)))
    u = torch.tensor(control(architecture, 5)) if architecture.variables.control_degrees else None
    x = architecture.integrator.step(dynamics, join(q, dynamics.momentum(q, v)), 0.1, u)
    loss = (join(split(x)[0], dynamics.velocity(*split(x))) ** 2).sum()
    for name, gradient in zip(parameters, torch.autograd.grad(loss, list(parameters.values())), strict=True):
        assert float(gradient.abs().max()) > 0, name


@pytest.mark.parametrize("damping", [False, True])
@pytest.mark.parametrize("row", ["hnn", "separable", "mechanical", "mechanical with M(q)"])
def test_learned_friction_never_adds_energy(row, damping):
    architecture = replace(ROWS[row], damping=damping)
    dynamics = architecture.build(arrays(architecture))
    assert isinstance(dynamics, PortHamiltonian)
    x = state(architecture, 50)
    power = (dynamics.hamiltonian.gradient(x) * dynamics.field(x)).sum(-1)
    if damping:
        assert (power < 0).all()
        assert "damping.log" in arrays(architecture)
    else:
        np.testing.assert_allclose(power, 0, atol=1e-12)  # terms of order 10 cancel


@pytest.mark.parametrize("row", HAMILTONIAN)
def test_controls_in_physical_units_act_as_they_are_and_the_inertia_is_learned(row):
    variables = replace(CART_POLE, in_physical_units=True)
    architecture = replace(ROWS[row], variables=variables)
    parameters = arrays(architecture)
    dynamics = architecture.build(parameters)
    np.testing.assert_array_equal(dynamics.control, [[1.0], [0.0]])
    assert "control.gain" not in parameters
    assert {"inertia.log", "chain.diagonal"} & set(parameters)


@pytest.mark.parametrize("row", HAMILTONIAN)
def test_controls_without_units_have_a_learned_gain_and_the_first_mass_is_the_unit(row):
    architecture = ROWS[row]
    parameters = arrays(architecture)
    dynamics = architecture.build(parameters)
    np.testing.assert_array_equal(dynamics.control, [[parameters["control.gain"][0]], [0.0]])
    assert ("inertia.log" in parameters) == (row == "mechanical with M(q)")
    if row not in ("mechanical with M(q)", "chain"):
        q, v = split(state(architecture, 3))
        masses = np.array([1.0, np.exp(parameters["inertia.ratios"][0])])
        np.testing.assert_allclose(dynamics.momentum(q, v), masses * v, rtol=1e-15)


@pytest.mark.parametrize(
    ("row", "structure"),
    [
        ("hnn", Structure.GENERAL),
        ("separable", Structure.SEPARABLE),
        ("mechanical", Structure.SEPARABLE),
        ("mechanical with M(q)", Structure.GENERAL),
        ("chain", Structure.GENERAL),
        ("pairwise", Structure.SEPARABLE),
        ("baseline", Structure.GENERAL),
        ("second-order", Structure.SPLIT),
    ],
)
def test_the_structure_is_what_the_model_guarantees(row, structure):
    assert ROWS[row].build(arrays(ROWS[row])).structure == structure


@pytest.mark.parametrize("row", ["mechanical with M(q)", "chain"])
def test_a_learned_mass_matrix_is_symmetric_and_positive(row):
    architecture = ROWS[row]
    dynamics = architecture.build(arrays(architecture))
    q, _ = split(state(architecture, 20))
    M = np.stack([dynamics.momentum(q, np.broadcast_to(e, q.shape)) for e in np.eye(2)], axis=-1)
    np.testing.assert_allclose(M, np.swapaxes(M, -1, -2), rtol=1e-12, atol=1e-12)
    assert (np.linalg.eigvalsh(M) > 0).all()
    assert np.abs(M - M[0]).max() > 1e-3  # it depends on q


def test_a_second_order_baseline_moves_at_its_velocity():
    dynamics = ROWS["second-order"].build(arrays(ROWS["second-order"]))
    q, v = split(state(ROWS["second-order"], 3))
    u = control(ROWS["second-order"], 3)
    np.testing.assert_array_equal(dynamics.field(join(q, v), u), join(dynamics.dqdt(v), dynamics.dpdt(q, v, u)))
    np.testing.assert_array_equal(dynamics.dqdt(v), v)


def test_baselines_see_features_and_scaled_velocities_and_controls_and_answer_in_scaled_rates():
    # Without hidden layers the network is its matrix, and the formula can be written out.
    q, v = split(state(ROWS["baseline"], 3))
    u = control(ROWS["baseline"], 3)
    inputs = np.stack(
        [q[:, 0] / 2.0, np.cos(q[:, 1]), np.sin(q[:, 1]), v[:, 0] / 0.6, v[:, 1] / 1.4, u[:, 0] / 10.0], axis=-1
    )
    for row, scale in [("baseline", [0.6, 1.4, 2.0, 5.0]), ("second-order", [2.0, 5.0])]:
        architecture = replace(ROWS[row], hidden=())
        (name, W), *rest = arrays(architecture).items()
        assert not rest
        found = architecture.build({name: W}).field(join(q, v), u)
        np.testing.assert_allclose(found[:, -len(scale) :], scale * (inputs @ W.T), rtol=1e-13)


def test_a_baseline_has_no_energy_and_a_first_order_one_no_acceleration():
    first, second = (ROWS[row].build(arrays(ROWS[row])) for row in ("baseline", "second-order"))
    assert first.hamiltonian is None
    assert second.hamiltonian is None
    with pytest.raises(InputError, match=r"no separate acceleration: use field\(x, u\)"):
        first.dpdt(np.zeros(2), np.zeros(2))


# Variables: the scales every model starts from.


def test_scales_are_the_root_mean_squares_of_the_recorded_states():
    coordinates = Coordinates(
        (DegreeOfFreedom(position=0, velocity=1), DegreeOfFreedom(cos=2, sin=3, velocity=4)), (Control(1, scale=2.0),)
    )
    rng = np.random.default_rng(0)
    q, v = rng.uniform(-3, 3, (50, 4, 2)), rng.normal(size=(50, 4, 2)) * [1.0, 5.0]
    action = rng.normal(size=(50, 3, 1))
    found = Variables.measured(coordinates, np.concatenate([q, v], axis=-1), action, dt=0.1)
    assert found.angles == (False, True)

    def rms(values):
        return np.sqrt(np.mean(values.reshape(-1, values.shape[-1]) ** 2, axis=0))

    np.testing.assert_allclose(found.position_scales, rms(q), rtol=1e-13)
    np.testing.assert_allclose(found.velocity_scales, rms(v), rtol=1e-13)
    np.testing.assert_allclose(found.acceleration_scales, rms(np.diff(v, axis=1) / 0.1), rtol=1e-13)
    np.testing.assert_allclose(found.force_scales, rms(2 * action), rtol=1e-13)
    assert found.control_degrees == (1,)
    assert not found.in_physical_units


def test_a_constant_entry_has_scale_one():
    coordinates = Coordinates((DegreeOfFreedom(position=0, velocity=1),))
    found = Variables.measured(coordinates, np.zeros((5, 2, 2)), np.zeros((5, 1, 0)), dt=0.1)
    assert found.position_scales == found.velocity_scales == found.acceleration_scales == (1.0,)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"angles": ()}, "three scales for each degree"),
        ({"velocity_scales": (1.0,)}, "three scales for each degree"),
        ({"position_scales": (0.0, 1.0)}, "finite and > 0"),
        ({"acceleration_scales": (float("nan"), 1.0)}, r"acceleration_scales .* NaN is not a number"),
        ({"force_scales": (float("inf"),)}, "finite and > 0"),
        ({"force_scales": ()}, "one force scale for each control"),
        ({"control_degrees": (2,)}, "not there"),
    ],
)
def test_variables_that_describe_no_system_are_refused(change, words):
    with pytest.raises(InputError, match=words):
        replace(CART_POLE, **change)


@pytest.mark.parametrize("name", [name for name, model in ROWS.items() if model.networks])
def test_a_layer_without_units_is_refused(name):
    with pytest.raises(InputError, match=r"hidden is \(8, 0\)"):
        replace(ROWS[name], hidden=(8, 0)).initial_parameters(np.random.default_rng(0))
