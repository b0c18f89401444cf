"""The linear-quadratic controller is optimal in a linear world, and is refused where there is none."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from hnn_gym.agents.lqr import LinearQuadratic, linearise
from hnn_gym.envs.shipped import resolve_world
from hnn_gym.errors import InputError
from hnn_gym.physics.dynamics import PortHamiltonian
from hnn_gym.physics.hamiltonians import Spring
from hnn_gym.physics.phase import join
from hnn_gym.systems import true_world


def test_the_jacobian_is_that_of_pendulums_own_map() -> None:
    # Symplectic Euler of H = 3/2 p^2 + 5 cos q at the top: p' = p + (5 q + u) dt, q' = q + 3 p' dt.
    A, B = linearise(true_world("Pendulum-v1"), np.zeros(2), np.zeros(1))
    dt = 0.05
    np.testing.assert_allclose(A, [[1 + 15 * dt**2, 3 * dt], [5 * dt, 1]], atol=1e-7)  # differences err by step^2
    np.testing.assert_allclose(B, [[3 * dt**2], [dt]], atol=1e-7)


def test_the_cost_to_go_is_the_cost_of_a_rollout_in_a_linear_world() -> None:
    world = true_world("Spring-v0")
    agent = LinearQuadratic(world, position=np.zeros(1))
    start = np.array([[0.002, 0.0], [0.0, -0.001], [0.001, 0.002]])  # forces stay below the limit
    x, paid = start, np.zeros(3)
    for _ in range(2000):
        action = agent.action(x)
        assert np.abs(action).max() < 1
        v = world.state(x)[1]
        paid += x[:, 0] ** 2 + 0.1 * v[:, 0] ** 2 + 0.001 * (0.2 * action[:, 0]) ** 2
        x = world.step(x, action)
    np.testing.assert_allclose(paid, agent.cost_to_go(start), rtol=1e-6)  # of the differences in A and B


def test_another_gain_costs_more() -> None:
    world = true_world("Spring-v0")
    agent = LinearQuadratic(world, position=np.zeros(1))
    start = np.array([0.002, 0.001])

    def paid(gain: np.ndarray) -> float:
        x, total = start, 0.0
        for _ in range(2000):
            action = -gain @ x
            total += float(x[0] ** 2 + 0.1 * (2 * x[1]) ** 2 + 0.001 * (0.2 * action[0]) ** 2)
            x = world.step(x, action)
        return total

    best = paid(agent.gain)
    for change in ([0.05, 0.0], [-0.05, 0.0], [0.0, 0.05], [0.0, -0.05]):
        assert paid(agent.gain * (1 + np.array(change))) > best


def test_dry_friction_does_not_change_the_gain() -> None:
    world = true_world("Pendulum-v1")
    assert isinstance(world.dynamics, PortHamiltonian)
    dry = replace(world, dynamics=replace(world.dynamics, dry=np.array([0.1])))
    agents = [LinearQuadratic(one, position=np.zeros(1)) for one in (world, dry)]
    np.testing.assert_array_equal(agents[0].gain, agents[1].gain)


def test_a_full_turn_of_an_angle_changes_no_action_and_rows_are_independent() -> None:
    agent = LinearQuadratic(true_world("IdealPendulum-v0"), position=np.array([np.pi]))
    x = np.array([[np.pi + 0.1, 0.2], [0.1 - np.pi, 0.2], [3 * np.pi + 0.1, 0.2]])
    np.testing.assert_allclose(agent.action(x), np.broadcast_to(agent.action(x[0]), (3, 1)), atol=1e-12)
    observation = np.array([np.cos(np.pi + 0.1), np.sin(np.pi + 0.1), 0.4])
    action, state = agent.predict(observation, state="kept")
    assert (action.shape, action.dtype, state) == ((1,), np.float32, "kept")
    np.testing.assert_allclose(agent.predict(observation[None])[0][0], action)


def test_a_learned_world_that_leans_a_little_is_held_by_a_constant_action() -> None:
    class Leaning(Spring):
        def potential_gradient(self, q):  # type: ignore[no-untyped-def]
            return super().potential_gradient(q) + 0.1

    world = true_world("Spring-v0")
    leaning = replace(world, dynamics=PortHamiltonian(Leaning(), control=np.ones((1, 1))))
    agent = LinearQuadratic(leaning, position=np.zeros(1))
    x = np.array([0.01, 0.0])
    for _ in range(400):
        x = leaning.step(x, agent.action(x))
    np.testing.assert_allclose(x, 0, atol=1e-3)  # the residue of one step that counts as held
    assert agent.action(join(np.zeros(1), np.zeros(1)))[0] == pytest.approx(0.5, rel=0.01)  # 0.1 N of 0.2 N


def test_positions_that_cannot_be_held_or_reached_are_refused() -> None:
    with pytest.raises(InputError, match=r"No action holds the world at q = \[1.57"):
        LinearQuadratic(resolve_world("HNNPendulum-v0"), position=np.array([np.pi / 2]))
    anywhere = LinearQuadratic(resolve_world("HNNPendulum-v0"), position=np.array([np.pi / 2]), tolerance=np.inf)
    assert np.isfinite(anywhere.gain).all()
    spring = true_world("Spring-v0")
    deaf = replace(spring, dynamics=PortHamiltonian(Spring(), control=np.zeros((1, 1))))
    with pytest.raises(InputError, match="The controls cannot bring this world"):
        LinearQuadratic(deaf, position=np.zeros(1))
    free = replace(spring, coordinates=replace(spring.coordinates, controls=()))
    with pytest.raises(InputError, match="needs a world with controls"):
        LinearQuadratic(free, position=np.zeros(1))
