"""Losses are zero for the truth, differentiable in the parameters, and each measures the right error."""

import numpy as np
import pytest
import torch

from hnn_gym.coordinates import Control, Coordinates, DegreeOfFreedom
from hnn_gym.models import HNN, Baseline, MechanicalHNN, PlanarChainHNN, SecondOrderBaseline, SeparableHNN, Variables
from hnn_gym.physics.dynamics import PortHamiltonian
from hnn_gym.physics.hamiltonians import Pendulum
from hnn_gym.physics.integrators import SymplecticEuler, Yoshida6
from hnn_gym.physics.phase import join
from hnn_gym.systems import coordinates_of
from hnn_gym.training import derivative_loss, prediction_loss, shooting_loss
from hnn_gym.worlds.world_model import WorldModel

PENDULUM_V1 = coordinates_of("Pendulum-v1")
ROD = PortHamiltonian(Pendulum.of_gymnasium(), control=np.ones((1, 1)))
TRUTH = WorldModel(PENDULUM_V1, ROD, SymplecticEuler(), 0.05)
SCALE = np.array([1.0, 1.0, 8.0])


def windows(world=TRUTH, *, count=20, horizon=4, seed=0):
    """Starts [q, v], observations and actions of windows that the world itself made."""
    rng = np.random.default_rng(seed)
    q, v = rng.uniform(-np.pi, np.pi, (count, 1)), rng.uniform(-6, 6, (count, 1))
    action = rng.uniform(-2, 2, (count, horizon, 1))
    x = world.rollout(world.phase_point(q, v), np.moveaxis(action, 1, 0))
    return join(q, v), np.moveaxis(world.decode(x), 0, 1), action


@pytest.mark.parametrize("horizon", [1, 4, 20])
def test_the_truth_predicts_its_own_data_without_loss(horizon):
    starts, observation, action = windows(horizon=horizon)
    # Rounding of cos, sin and atan2, 1e-16, squared, and magnified over 20 steps.
    assert prediction_loss(TRUTH, observation, action, scale=SCALE) < 1e-25
    assert shooting_loss(TRUTH, starts, observation, action, scale=SCALE) < 1e-25
    wrong = TRUTH.with_dt(0.051)
    assert prediction_loss(wrong, observation, action, scale=SCALE) > 1e-6
    assert shooting_loss(wrong, starts, observation, action, scale=SCALE) > 1e-6


def test_prediction_starts_at_the_first_observation_and_shooting_at_the_given_start():
    starts, observation, action = windows()
    moved = observation.copy()
    moved[:, 0, 2] += 0.8
    # The first velocity is wrong by 0.8 of a scale of 8: all that prediction derives from it is wrong, while
    # shooting is wrong in that entry alone: 0.1^2 in one of 5 x 3.
    assert prediction_loss(TRUTH, moved, action, scale=SCALE) > 5e-3
    assert shooting_loss(TRUTH, starts, moved, action, scale=SCALE) == pytest.approx(0.01 / 15, rel=1e-9)


def test_errors_are_measured_in_units_of_the_scale():
    starts, observation, action = windows(horizon=1)
    moved = observation.copy()
    moved[:, 1] += [0.3, 0.0, 0.4]
    expected = (0.3**2 + (0.4 / 8) ** 2) / 3
    assert prediction_loss(TRUTH, moved, action, scale=SCALE) == pytest.approx(expected, rel=1e-9)
    assert shooting_loss(TRUTH, starts, moved, action, scale=SCALE) == pytest.approx(expected / 2, rel=1e-9)


def derivative_loss_of_truth(dt):
    world = WorldModel(PENDULUM_V1, ROD, Yoshida6(), dt)
    _, observation, action = windows(world, horizon=1)
    unit = np.ones(1)
    return derivative_loss(world, observation, action, velocity_scale=unit, acceleration_scale=unit)


def test_the_derivative_loss_of_the_truth_falls_with_the_square_of_the_time_step():
    # Finite differences are wrong by O(dt), and the loss squares that.
    losses = [derivative_loss_of_truth(dt) for dt in (0.02, 0.01, 0.005)]
    assert losses[0] / losses[1] == pytest.approx(4, rel=0.1)
    assert losses[1] / losses[2] == pytest.approx(4, rel=0.1)
    assert losses[0] > 1e-4  # which is why it is the worse loss on coarse data


def test_the_derivative_loss_sees_no_jump_where_an_angle_passes_pi():
    _, observation, action = windows(horizon=1)
    q = np.array([[np.pi - 0.01]])
    crossing = TRUTH.rollout(TRUTH.phase_point(q, np.array([[3.0]])), np.zeros((1, 1, 1)))
    assert crossing[1, 0, 0] > np.pi
    observation = np.moveaxis(TRUTH.decode(crossing), 0, 1)
    unit = np.ones(1)
    loss = derivative_loss(TRUTH, observation, action[:1] * 0, velocity_scale=unit, acceleration_scale=unit)
    # dq/dt is off by dt times the acceleration, here 0.05 x 0.15; a jump of 2 pi would count (2 pi / dt)^2 = 16,000.
    assert loss < 0.1


def test_derivatives_are_weighed_in_their_own_scales():
    _, observation, action = windows(horizon=3)
    wrong = TRUTH.with_dt(0.06)

    def loss(velocity, acceleration):
        scales = {"velocity_scale": np.array([velocity]), "acceleration_scale": np.array([acceleration])}
        return derivative_loss(wrong, observation, action, **scales)

    of_velocity, of_acceleration = loss(1.0, np.inf), loss(np.inf, 1.0)
    assert min(of_velocity, of_acceleration) > 1e-3
    assert loss(2.0, 3.0) == pytest.approx(of_velocity / 4 + of_acceleration / 9, rel=1e-12)


def test_starts_estimated_by_shooting_are_nearer_the_truth_than_noisy_observations():
    starts, observation, action = windows(count=12, horizon=20)
    noisy = observation + np.random.default_rng(1).normal(size=observation.shape) * SCALE * 0.05
    world = TRUTH.like(torch.zeros(1, dtype=torch.float64))
    observed = join(*PENDULUM_V1.state(noisy[:, 0]))
    estimate = torch.tensor(observed, requires_grad=True)
    target, controls, scale = torch.tensor(noisy), torch.tensor(action), torch.tensor(SCALE)
    optimizer = torch.optim.LBFGS([estimate], max_iter=25, line_search_fn="strong_wolfe")

    def closure():
        optimizer.zero_grad()
        loss = shooting_loss(world, estimate, target, controls, scale=scale)
        loss.backward()
        return loss

    optimizer.step(closure)

    def error(found):
        turn = found - starts
        turn[:, 0] = np.arctan2(np.sin(turn[:, 0]), np.cos(turn[:, 0]))
        return np.sqrt((turn**2).mean(0))

    # 21 observations of 3 entries say more of 2 numbers than one: by sqrt(20) at best, twice as much at least.
    assert (error(estimate.detach().numpy()) < error(observed) / 2).all()


ROD_VARIABLES = Variables((True,), (1.0,), (3.0,), (9.0,), (0,), (1.2,), in_physical_units=True)
MODELS = {
    "hnn": HNN(ROD_VARIABLES, hidden=(3,), damping=True),
    "separable": SeparableHNN(ROD_VARIABLES, hidden=(3,)),
    "mechanical": MechanicalHNN(ROD_VARIABLES, hidden=(3,), damping=True),
    "mechanical with M(q)": MechanicalHNN(ROD_VARIABLES, hidden=(2,), mass_matrix="full"),
    "chain": PlanarChainHNN(ROD_VARIABLES, damping=True),
    "baseline": Baseline(ROD_VARIABLES, hidden=(3,)),
    "second-order": SecondOrderBaseline(ROD_VARIABLES, hidden=(3,)),
}


def prediction(world, starts, observation, action):
    return prediction_loss(world, observation, action, scale=torch.tensor(SCALE))


def shooting(world, starts, observation, action):
    return shooting_loss(world, starts, observation, action, scale=torch.tensor(SCALE))


def derivative(world, starts, observation, action):
    return derivative_loss(
        world, observation, action, velocity_scale=torch.tensor([3.0]), acceleration_scale=torch.tensor([9.0])
    )


@pytest.mark.parametrize("loss", [prediction, shooting, derivative])
@pytest.mark.parametrize("name", MODELS)
def test_the_gradient_of_a_loss_is_that_of_finite_differences(name, loss):
    architecture = MODELS[name]
    starts, observation, action = (torch.tensor(a) for a in windows(count=3, horizon=3, seed=2))
    coordinates = Coordinates((DegreeOfFreedom(cos=0, sin=1, velocity=2),), (Control(degree=0, limit=2.0, unit="N m"),))
    parameters = {
        k: torch.tensor(v, requires_grad=True)
        for k, v in architecture.initial_parameters(np.random.default_rng(0)).items()
    }

    def value(start, *arrays):
        world = WorldModel.built(
            architecture,
            dict(zip(parameters, arrays, strict=True)),
            coordinates=coordinates,
            integrator=architecture.integrator,
            dt=0.05,
        )
        return loss(world, start, observation, action)

    # Central differences at 1e-6 are good to some 1e-9 here; the implicit step is solved to 16 eps, which they
    # magnify to 1e-9 as well. Shooting is also differentiated in its starts.
    start = starts.requires_grad_(loss is shooting)
    assert torch.autograd.gradcheck(value, (start, *parameters.values()), eps=1e-6, atol=1e-7, rtol=1e-5)


@pytest.mark.parametrize("loss", [prediction, shooting, derivative])
def test_losses_are_the_same_numbers_on_numpy(loss):
    starts, observation, action = windows(horizon=3)
    wrong = TRUTH.with_dt(0.06)
    on_torch = loss(
        wrong.like(torch.zeros(1, dtype=torch.float64)), *(torch.tensor(a) for a in (starts, observation, action))
    )
    on_numpy = {
        prediction: lambda: prediction_loss(wrong, observation, action, scale=SCALE),
        shooting: lambda: shooting_loss(wrong, starts, observation, action, scale=SCALE),
        derivative: lambda: derivative_loss(
            wrong, observation, action, velocity_scale=np.array([3.0]), acceleration_scale=np.array([9.0])
        ),
    }[loss]()
    assert float(on_torch) == pytest.approx(float(on_numpy), rel=1e-11)
    assert on_numpy > 1e-6


def test_a_world_without_controls_is_scored_on_empty_actions():
    coordinates = Coordinates((DegreeOfFreedom(cos=0, sin=1, velocity=2),))
    world = WorldModel(coordinates, PortHamiltonian(Pendulum()), SymplecticEuler(), 0.05)
    x = world.rollout(np.random.default_rng(0).normal(size=(5, 2)), steps=3)
    observation, action = np.moveaxis(world.decode(x), 0, 1), np.zeros((5, 3, 0))
    assert prediction_loss(world, observation, action, scale=np.ones(3)) < 1e-25
    derivative_loss(world, observation, action, velocity_scale=np.ones(1), acceleration_scale=np.ones(1))
