"""Every scheme steps learned mass matrices M(q) in traced code as it does untraced."""

from __future__ import annotations

import numpy as np
import pytest

from hnn_gym.models.architecture import Variables
from hnn_gym.models.mechanical import MechanicalHNN
from hnn_gym.models.planar_chain import PlanarChainHNN
from hnn_gym.physics.dynamics import PortHamiltonian
from hnn_gym.physics.integrators import (
    Euler,
    Gauss4,
    GeneralisedEuler,
    ImplicitMidpoint,
    Integrator,
    InVelocities,
    Leapfrog,
    RungeKutta4,
    Substeps,
    SymplecticEuler,
)
from hnn_gym.trace import batch_code, scalar_code, trace

ARM = Variables(
    angles=(True, True),
    position_scales=(1.0, 1.0),
    velocity_scales=(2.0, 3.0),
    acceleration_scales=(5.0, 5.0),
    control_degrees=(1,),
    force_scales=(1.0,),
    in_physical_units=True,
)
MODELS = {
    "full": MechanicalHNN(ARM, mass_matrix="full", damping=True),
    "polynomial": MechanicalHNN(ARM, hidden=(), mass_matrix="full"),
    "chain": PlanarChainHNN(ARM, damping=True),
    "diagonal": MechanicalHNN(ARM, hidden=(8, 8), mass_matrix="diagonal"),
}
SCHEMES: dict[str, Integrator] = {
    "explicit Euler": Euler(),
    "RK4": RungeKutta4(),
    "implicit midpoint": ImplicitMidpoint(),
    "Gauss's rule": Gauss4(),
    "generalised Euler": GeneralisedEuler(),
    "generalised Euler, momenta first": GeneralisedEuler(momenta_first=True),
    "substeps of implicit midpoint": Substeps(ImplicitMidpoint(), 2),
    "explicit Euler in velocities": InVelocities(Euler()),
    "semi-implicit Euler in velocities": InVelocities(SymplecticEuler()),
    "leapfrog in velocities": InVelocities(Leapfrog()),
    "RK4 in velocities": InVelocities(RungeKutta4()),
}
DT = 0.05


def _dynamics(model: str) -> PortHamiltonian:
    return MODELS[model].build(MODELS[model].initial_parameters(np.random.default_rng(0)))


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("model", MODELS)
def test_a_mass_matrix_that_depends_on_q_is_stepped_in_traced_code(model: str, scheme: str) -> None:
    dynamics, integrator = _dynamics(model), SCHEMES[scheme]
    program = trace(lambda x, u: {"x": integrator.step(dynamics, x, DT, u)}, x=4, u=1)
    rng = np.random.default_rng(1)
    x, u, after = rng.normal(size=(64, 4)), rng.normal(size=(64, 1)), np.empty((64, 4))
    expected = integrator.step(dynamics, x, DT, u)
    batch_code.compiled(program, 64, float)(x, u, after)
    np.testing.assert_allclose(after, expected, rtol=0, atol=1e-12)
    one = scalar_code.compiled(program, {})
    for i in range(3):
        np.testing.assert_allclose(one(x[i].tolist(), u[i].tolist())[0], expected[i], rtol=0, atol=1e-12)


def test_only_traced_states_for_which_implicit_midpoint_does_not_converge_become_nan() -> None:
    dynamics = _dynamics("full")
    program = trace(lambda x: {"x": ImplicitMidpoint().step(dynamics, x, 0.5)}, x=4)
    x, after = np.zeros((3, 4)), np.empty((3, 4))
    x[1] = [1.0, 2.0, 300.0, -200.0]
    batch_code.compiled(program, 3, float)(x, after)
    assert np.isnan(after).all(axis=1).tolist() == [False, True, False]
    assert np.isnan(scalar_code.compiled(program, {})(x[1].tolist())[0]).all()
