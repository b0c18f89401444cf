"""A polynomial M(q) and V(q) with few terms is printed as the formula that it is."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from hnn_gym.models import MechanicalHNN, Variables
from hnn_gym.models.constant_masses import with_constant_masses
from hnn_gym.models.formula import formula

ARM = Variables(
    angles=(True, True),
    position_scales=(1.0, 1.0),
    velocity_scales=(1.0, 1.0),
    acceleration_scales=(1.0, 1.0),
    control_degrees=(1,),
    force_scales=(1.0,),
    in_physical_units=True,
)
MODEL = MechanicalHNN(ARM, hidden=(), mass_matrix="full")


def acrobot(model: MechanicalHNN = MODEL) -> dict[str, np.ndarray]:
    parameters = {name: 0 * value for name, value in model.initial_parameters(np.random.default_rng(0)).items()}
    parameters["mass.constant"] = np.array([3.5, 1.25, 1.25])
    parameters["mass.w0"][:2, 1] = 1.0, -0.5
    parameters["potential.w0"][0, [0, 2]] = np.array([-14.7, -4.9]) / model.variables.energy_scale
    return parameters


def test_the_formula_of_two_links_is_printed_with_sums_of_angles() -> None:
    found = formula(MODEL, acrobot())
    assert found == (
        "M00 = 3.5 + cos(q1)",
        "M01 = 1.25 - 0.5 cos(q1)",
        "M11 = 1.25",
        "V = -14.7 cos(q0) - 4.9 cos(q0 + q1)",
    )


@pytest.mark.parametrize("angles", [(False, True), (False, False)])
def test_the_printed_functions_are_those_of_the_model(angles: tuple[bool, bool]) -> None:
    variables = replace(ARM, angles=angles, position_scales=(2.5, 0.5))
    features = MechanicalHNN(variables, hidden=(), mass_matrix="full").potential_features
    q0, q1 = q = np.array([0.7, 1.9])
    names = [name.replace("^", "**").replace("q0 q1", "q0 * q1") for name in features.names]
    found = [eval(name, {"q0": q0, "q1": q1, "cos": np.cos, "sin": np.sin}) for name in names]
    np.testing.assert_allclose(found / np.array(features.units), features(q), rtol=1e-12)


def test_the_formula_of_two_masses_on_springs_is_printed_in_units_of_the_positions() -> None:
    model = MechanicalHNN(replace(ARM, angles=(False, False), position_scales=(0.5, 2.0)), (), mass_matrix="full")
    parameters = {name: 0 * value for name, value in model.initial_parameters(np.random.default_rng(0)).items()}
    parameters["mass.constant"] = np.array([1.0, 0.0, 0.5])
    # V = 2.5 q0^2 + 1.5 q1^2 - 3 q0 q1, in q0 / 0.5 and q1 / 2.
    parameters["potential.w0"][0, 2:] = np.array([2.5 / 4, 1.5 * 4, -3.0]) / model.variables.energy_scale
    assert formula(model, parameters) == ("M00 = 1", "M01 = 0", "M11 = 0.5", "V = 2.5 q0^2 + 1.5 q1^2 - 3 q0 q1")


def test_masses_that_are_constant_and_apart_make_h_separable_and_the_motion_stays_the_same() -> None:
    target = replace(ARM, angles=(False, False), in_physical_units=False, control_degrees=(1,))
    coupled = MechanicalHNN(target, (), damping=True, mass_matrix="full")
    parameters = coupled.initial_parameters(np.random.default_rng(0))
    parameters["mass.w0"] = 0 * parameters["mass.w0"]
    parameters["mass.constant"] = np.array([2.0, 0.0, 0.5])
    same = with_constant_masses(coupled, parameters)
    assert same is not None
    model, found = same
    assert model.separable
    assert formula(model, {**found, "potential.w0": 0 * found["potential.w0"]}) == ("M00 = 1", "M11 = 0.25", "V = 0")
    q, v, u = np.random.default_rng(1).normal(size=(3, 5, 2))
    before, after = (one.build(arrays).acceleration(q, v, u[:, :1]) for one, arrays in ((coupled, parameters), same))
    np.testing.assert_allclose(after, before, rtol=1e-12)
    assert with_constant_masses(coupled, {**parameters, "mass.constant": np.array([2.0, 0.1, 0.5])}) is None
    assert with_constant_masses(MODEL, acrobot()) is None


def test_a_long_formula_is_not_printed() -> None:
    assert formula(MODEL, MODEL.initial_parameters(np.random.default_rng(0))) == ()
