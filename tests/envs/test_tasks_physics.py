"""The true environments are the true physics: against DOP853, in energy, and in the resolution of the step."""

from dataclasses import replace

import gymnasium
import numpy as np
import pytest

from hnn_gym.envs import SimulatorEnv
from hnn_gym.envs.core import Simulator, unexplained_energy
from hnn_gym.envs.shipped import resolve_world
from hnn_gym.envs.tasks import task_for
from hnn_gym.physics.dynamics import PortHamiltonian
from hnn_gym.physics.integrators import ImplicitMidpoint
from hnn_gym.physics.reference import reference_trajectory
from hnn_gym.systems import SYSTEMS

TRUE = ("Spring-v0", "IdealPendulum-v0", "TwoBody-v0", "ThreeBody-v0", "NBody-v0")


def starts(env_id, count, seed=0):
    world = resolve_world(env_id)
    task, rng = task_for(world), np.random.default_rng(seed)
    states = [task.initial(rng, {}) for _ in range(count)]
    return world, task, world.phase_point(np.stack([q for q, _ in states]), np.stack([v for _, v in states]))


@pytest.mark.parametrize("env_id", TRUE)
def test_a_step_without_control_is_the_reference_solution(env_id):
    world, _, x = starts(env_id, 20)
    exact = np.stack([reference_trajectory(world.dynamics, point, np.array([0.0, world.dt]))[-1] for point in x])
    # One step of order 4 or 6. The pendulum's is the coarsest: (omega dt)^5 / 15 of an angle of 2 rad is 4e-6.
    assert np.abs(world.step(x) - exact).max() < 4e-6


@pytest.mark.parametrize("env_id", TRUE)
def test_a_step_under_control_changes_the_energy_by_the_work_of_the_force(env_id):
    world, task, x = starts(env_id, 200)
    actions = np.random.default_rng(1).uniform(-1, 1, (200, *task.action_space.shape))
    new = world.step(x, actions)
    error = unexplained_energy(world, x, new, world.coordinates.force(actions))
    kinetic = (new[..., world.dynamics.n :] * world.state(new)[1]).sum(-1) / 2
    moving = kinetic > 0.01
    assert np.abs(error[moving] / kinetic[moving]).max() < 1e-4
    # The check can fail: without the work, the change of energy is far larger.
    naive = world.energy(new) - world.energy(x)
    assert np.abs(naive[moving] / kinetic[moving]).max() > 1e-3


@pytest.mark.parametrize(("env_id", "steps"), [("Spring-v0", 2000), ("IdealPendulum-v0", 2000), ("TwoBody-v0", 2000)])
def test_energy_is_kept_over_thousands_of_steps_without_control(env_id, steps):
    world, _, x = starts(env_id, 10)
    energy = world.energy(world.rollout(x, steps=steps))
    assert np.ptp(energy, axis=0).max() < 1e-4 * np.abs(energy[0]).max()


def test_total_momentum_of_bodies_grows_by_the_impulse_of_the_thrust():
    world, _, x = starts("NBody-v0", 5)
    action = np.tile([0.5, -1.0], (5, 1))
    momentum = [point[:, 10:].reshape(5, 5, 2).sum(1) for point in (x, world.step(x, action))]
    assert np.allclose(momentum[1] - momentum[0], 0.02 * 0.2 * action, rtol=0, atol=1e-14)


def test_n_bodies_with_two_or_three_bodies_equal_the_environments_of_two_and_three():
    for count, env_id in ((2, "TwoBody-v0"), (3, "ThreeBody-v0")):
        world, _, x = starts(env_id, 4)
        general = SYSTEMS["NBody-v0"].true_world({"n": count, "softening": 0.0})
        assert np.array_equal(general.with_dt(world.dt).step(x), world.step(x))


def test_two_bodies_on_the_target_orbit_stay_on_it():
    world = resolve_world("TwoBody-v0")
    task = task_for(world)
    q, v = np.array([1.5, 0, -1.5, 0]), np.array([0, 1.0, 0, -1.0]) * task.target_speed / 2
    path = world.state(world.rollout(world.phase_point(q, v), steps=400))
    # The orbit error is quadratic in deviations, and order 6 keeps those below 1e-7.
    assert task.orbit_error(*path).max() < 1e-12


def test_a_starting_sunflower_has_no_total_momentum_and_no_close_pair():
    world = SYSTEMS["NBody-v0"].true_world({"n": 100})
    q, v = task_for(world).initial(np.random.default_rng(0), {})
    places = q.reshape(100, 2)
    distance = np.linalg.norm(places[:, None] - places[None], axis=-1)[np.triu_indices(100, 1)]
    assert distance.min() > 0.6
    assert np.abs(v.reshape(100, 2).sum(0)).max() < 1e-10


def test_an_encounter_that_the_step_cannot_resolve_is_reported_each_time_and_warned_of_once():
    env = gymnasium.make("ThreeBody-v0").unwrapped
    head_on = [0.0, 0.15, 0.0, -0.15, 3.0, 0.0, 0.0, -4.0, 0.0, 4.0, 0.0, 0.0]

    def reports_of_an_episode():
        env.reset(options={"state": head_on})
        return [env.step(np.zeros(2))[-1]["close_encounter"] for _ in range(6)]

    with pytest.warns(UserWarning, match="met too closely") as caught:
        reports = reports_of_an_episode()
    again = reports_of_an_episode()  # a second warning would be an error here
    assert any(reports)
    assert again == reports
    assert len(caught) == 1


def test_no_encounter_is_reported_where_bodies_keep_apart_under_full_thrust():
    env = gymnasium.make("TwoBody-v0").unwrapped
    env.reset(seed=0)
    rng = np.random.default_rng(0)
    for _ in range(100):
        assert env.step(rng.choice([-1.0, 1.0], 2))[-1]["close_encounter"] is False


def test_a_batch_is_checked_element_by_element():
    world, task, x = starts("ThreeBody-v0", 3)
    x[1] = world.phase_point(np.array([0.0, 0.15, 0.0, -0.15, 3.0, 0.0]), np.array([0, -30.0, 0, 30.0, 0, 0]))
    transition = Simulator(world, task).transition(x, np.zeros((3, 2)))
    assert transition.unresolved.tolist() == [False, True, False]


def test_friction_does_not_count_as_an_error_of_the_step():
    world = resolve_world("Spring-v0")
    damped = PortHamiltonian(world.dynamics.hamiltonian, np.eye(1), damping=np.array([0.3]))
    exact = reference_trajectory(damped, np.array([0.5, 0.2]), np.array([0.0, 0.01]))[-1]
    lossy = replace(world, dynamics=damped, integrator=ImplicitMidpoint(), dt=0.01)
    error = unexplained_energy(lossy, np.array([0.5, 0.2]), exact, np.zeros(1))
    loss = lossy.energy(np.array([0.5, 0.2])) - lossy.energy(exact)
    assert loss > 1e-4
    # The trapezoid's own error is (omega dt)^2 of the loss.
    assert abs(error) < 1e-3 * loss


@pytest.mark.parametrize("env_id", TRUE)
def test_the_shell_over_a_true_world_is_the_registered_environment(env_id):
    made, own = gymnasium.make(env_id), SimulatorEnv(resolve_world(env_id))
    assert np.array_equal(made.reset(seed=5)[0], own.reset(seed=5)[0])
    action = np.full(made.action_space.shape, 0.7, np.float32)
    assert np.array_equal(made.step(action)[0], own.step(action)[0])
