"""Schemes have names, and a name with a count means substeps."""

import numpy as np
import pytest

from hnn_gym.errors import InputError
from hnn_gym.models import MechanicalHNN, Variables
from hnn_gym.physics.integrators import (
    NAMES,
    Euler,
    Gauss4,
    InVelocities,
    RungeKutta4,
    Substeps,
    in_velocities,
    named_scheme,
    scheme_name,
)


@pytest.mark.parametrize("name", [*NAMES, "rk4 x 5", "semi-implicit-euler x 2"])
def test_a_scheme_has_the_name_that_it_is_found_by(name):
    assert scheme_name(named_scheme(name)) == name
    assert scheme_name(InVelocities(Substeps(RungeKutta4(), 5))) == "rk4 x 5"


@pytest.mark.parametrize("name", ["euler", "rk4 x 0", "rk4 5", ""])
def test_what_is_no_name_is_refused_with_all_names(name):
    with pytest.raises(InputError, match=r"choose from explicit-euler, .*yoshida8"):
        named_scheme(name)


def test_explicit_schemes_act_in_velocities_where_the_mass_depends_on_the_position():
    variables = Variables((True, True), (1.0, 1.0), (1.0, 1.0), (1.0, 1.0), (1,), (1.0,))
    for mass, expected in (("full", InVelocities(Euler())), ("constant", Euler())):
        model = MechanicalHNN(variables, hidden=(3,), mass_matrix=mass)
        dynamics = model.build(model.initial_parameters(np.random.default_rng(0)))
        assert in_velocities(Euler(), dynamics) == expected
        assert in_velocities(Gauss4(), dynamics) == Gauss4()
