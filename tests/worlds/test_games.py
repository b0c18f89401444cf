"""Gymnasium's games are schemes in velocities: with their true M(q) and V(q) a world steps as they do."""

import gymnasium
import numpy as np
import pytest

from hnn_gym.coordinates import Control, Coordinates, DegreeOfFreedom
from hnn_gym.physics.dynamics import PortHamiltonian
from hnn_gym.physics.integrators import Euler, InVelocities, RungeKutta4, SymplecticEuler
from hnn_gym.worlds.world_model import WorldModel


class TwoLinks:
    """M(q), its derivative with respect to the angle it depends on, and V(q) of a system of two degrees of freedom."""

    n = 2

    def __init__(self, matrix, slope, angle, potential_gradient):
        self.matrix, self.slope, self.angle, self.potential_gradient = matrix, slope, angle, potential_gradient

    def energy(self, x):
        raise NotImplementedError

    gradient = energy

    def momentum(self, q, v):
        return (self.matrix(q) @ v[..., None])[..., 0]

    def velocity(self, q, p):
        return np.linalg.solve(self.matrix(q), p[..., None])[..., 0]

    def acceleration(self, q, v, force):
        slope = self.slope(q)
        rate = (slope * v[..., self.angle, None, None] @ v[..., None])[..., 0]
        inertial = np.zeros_like(q)
        inertial[..., self.angle] = (v[..., None, :] @ slope @ v[..., None])[..., 0, 0] / 2
        return self.velocity(q, force - self.potential_gradient(q) + inertial - rate)


def acrobot():
    """Two links of 1 kg and 1 m, centres in the middle, inertia 1; the second angle is relative."""

    def matrix(q):
        c = np.cos(q[..., 1])
        return np.stack([np.stack([3.5 + c, 1.25 + c / 2], -1), np.stack([1.25 + c / 2, 1.25 + 0 * c], -1)], -2)

    def slope(q):
        s = np.sin(q[..., 1])
        return np.stack([np.stack([-s, -s / 2], -1), np.stack([-s / 2, 0 * s], -1)], -2)

    def potential_gradient(q):
        second = 0.5 * 9.8 * np.sin(q[..., 0] + q[..., 1])
        return np.stack([1.5 * 9.8 * np.sin(q[..., 0]) + second, second], -1)

    degrees = (
        DegreeOfFreedom(cos=0, sin=1, velocity=4, speed_limit=4 * np.pi),
        DegreeOfFreedom(cos=2, sin=3, velocity=5, speed_limit=9 * np.pi),
    )
    dynamics = PortHamiltonian(TwoLinks(matrix, slope, 1, potential_gradient), control=np.array([[0.0], [1.0]]))
    controls = (Control(1, unit="N m"),)
    return WorldModel(Coordinates(degrees, controls), dynamics, InVelocities(RungeKutta4()), 0.2), [-1.0, 0.0, 1.0]


def cart_pole():
    """A cart of 1 kg with a pole of 0.1 kg and 1 m."""

    def matrix(q):
        c = 0.05 * np.cos(q[..., 1])
        return np.stack([np.stack([1.1 + 0 * c, c], -1), np.stack([c, 0.1 / 3 + 0 * c], -1)], -2)

    def slope(q):
        s = -0.05 * np.sin(q[..., 1])
        return np.stack([np.stack([0 * s, s], -1), np.stack([s, 0 * s], -1)], -2)

    def potential_gradient(q):
        return np.stack([0 * q[..., 0], -0.05 * 9.8 * np.sin(q[..., 1])], -1)

    degrees = (DegreeOfFreedom(position=0, velocity=1), DegreeOfFreedom(position=2, velocity=3))
    dynamics = PortHamiltonian(TwoLinks(matrix, slope, 1, potential_gradient), control=np.array([[1.0], [0.0]]))
    return WorldModel(Coordinates(degrees, (Control(0, unit="N"),)), dynamics, InVelocities(Euler()), 0.02), [
        -10.0,
        10.0,
    ]


class Hill:
    """The valley of MountainCar, with unit steps of time."""

    n = 1

    def energy(self, x):
        raise NotImplementedError

    gradient = energy

    def momentum(self, q, v):
        return v

    velocity = momentum

    def acceleration(self, q, v, force):
        return force - 0.0025 * np.cos(3 * q)


def mountain_car():
    degree = DegreeOfFreedom(position=0, velocity=1, speed_limit=0.07, stops=(-1.2, 0.6, 0.0))
    dynamics = PortHamiltonian(Hill(), control=np.array([[0.0015]]))
    return WorldModel(
        Coordinates((degree,), (Control(0, limit=1.0),)), dynamics, InVelocities(SymplecticEuler()), 1.0
    ), None


GAMES = {
    "Acrobot-v1": (acrobot, 400, True),
    "CartPole-v1": (cart_pole, 15, False),
    "MountainCarContinuous-v0": (mountain_car, 400, True),
}


@pytest.mark.parametrize("name", GAMES)
def test_a_game_is_its_mechanism_stepped_by_its_scheme(name):
    make, steps, meets_limit = GAMES[name]
    world, forces = make()
    env, rng = gymnasium.make(name).unwrapped, np.random.default_rng(0)
    env.action_space.seed(0)
    observation, _ = env.reset(seed=0)
    limited = stopped = 0
    for _ in range(steps):
        action = env.action_space.sample() if forces is not None else np.float32([rng.choice([-1.0, 1.0])])
        if name == "Acrobot-v1":  # push with the motion, up to the limits of the speed
            action = 2 if observation[5] > 0 else 0
        if name == "MountainCarContinuous-v0":  # and here up to the wall
            action = np.float32([0.5 if observation[1] > 0 else -1.0])
        new, _, terminated, _, _ = env.step(action)
        push = np.array([forces[action]]) if forces is not None else np.float64(action)
        x = world.step(world.encode(np.asarray(observation, np.float64)), push)
        # Observations are float32; 0.2 s at 30 rad/s spread their rounding a little.
        np.testing.assert_allclose(world.decode(x), new, rtol=2e-5, atol=2e-5)
        speed_limits = world.coordinates.speed_limits
        limited += speed_limits is not None and bool((np.abs(world.state(x)[1]) >= speed_limits).any())
        stopped += name == "MountainCarContinuous-v0" and new[0] == np.float32(-1.2)
        observation = new
        if terminated and name != "Acrobot-v1":  # which goes on over the top, faster and faster
            observation, _ = env.reset()
    assert bool(limited) == meets_limit
    assert bool(stopped) == (name == "MountainCarContinuous-v0")
