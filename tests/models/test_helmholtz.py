"""The two parts of a Helmholtz field have their properties, and together describe motions that an HNN cannot."""

import numpy as np
import pytest
import torch

from hnn_gym.errors import InputError
from hnn_gym.models import Variables
from hnn_gym.models.helmholtz import HelmholtzField
from hnn_gym.physics.dynamics import PortHamiltonian
from hnn_gym.physics.hamiltonians import Spring

ANGLE_AND_POSITION = Variables((True, False), (1.0, 2.0), (1.5, 0.7), (2.0, 3.0))
PLAIN = Variables((False,), (1.0,), (1.0,), (1.0,))


def built(variables, to=np.asarray):
    model = HelmholtzField(variables, hidden=(8, 8))
    return model.build({name: to(a) for name, a in model.initial_parameters(np.random.default_rng(0)).items()})


def jacobians(dynamics, x):
    return [torch.autograd.functional.jacobian(lambda y, i=i: dynamics.parts(y)[i], x) for i in range(2)]


def test_one_part_has_no_circulation_and_the_other_no_divergence():
    dynamics = built(ANGLE_AND_POSITION, torch.tensor)
    conservative, solenoidal = jacobians(dynamics, torch.tensor([0.3, -0.8, 1.1, 0.4], dtype=torch.float64))
    # Closed forms differentiated once more: exact but for rounding.
    torch.testing.assert_close(conservative, conservative.T, rtol=0, atol=1e-14)
    assert float(torch.trace(solenoidal)) == pytest.approx(0, abs=1e-14)
    assert abs(float(torch.trace(conservative))) > 1e-3
    assert float((solenoidal - solenoidal.T).abs().max()) > 1e-3


def test_the_field_is_the_sum_of_its_parts_on_any_batch():
    dynamics = built(ANGLE_AND_POSITION)
    x = np.random.default_rng(1).normal(size=(2, 3, 4))
    first, second = dynamics.parts(x)
    np.testing.assert_array_equal(dynamics.field(x), first + second)
    np.testing.assert_allclose(dynamics.field(x)[1, 2], dynamics.field(x[1, 2]), rtol=1e-12)


def test_it_learns_friction_which_a_hamiltonian_alone_cannot():
    truth = PortHamiltonian(Spring(mass=1.0, stiffness=1.0), damping=np.array([0.4]))
    x = torch.tensor(np.random.default_rng(2).uniform(-1, 1, (100, 2)))
    targets = torch.tensor(truth.field(x.numpy()))
    model = HelmholtzField(PLAIN, hidden=(12,))
    arrays = model.initial_parameters(np.random.default_rng(0))
    tensors = {name: torch.tensor(a, requires_grad=True) for name, a in arrays.items()}
    optimiser = torch.optim.Adam(tensors.values(), lr=2e-2)
    for _ in range(400):
        optimiser.zero_grad()
        loss = ((model.build(tensors).field(x) - targets) ** 2).mean()
        loss.backward()
        optimiser.step()
    # Without divergence nothing beats half of the friction's share: 0.4^2 / 2 x E[v^2] / 2 = 0.013.
    assert float(loss.detach()) < 2e-3
    shrinking = torch.trace(jacobians(model.build({k: v.detach() for k, v in tensors.items()}), x[0])[0])
    assert float(shrinking) == pytest.approx(-0.4, abs=0.15)


def test_controls_are_refused():
    with pytest.raises(InputError, match="no control"):
        HelmholtzField(Variables((False,), (1.0,), (1.0,), (1.0,), (0,), (1.0,)))
    with pytest.raises(InputError, match="no control"):
        built(PLAIN).field(np.zeros(2), np.zeros(1))
