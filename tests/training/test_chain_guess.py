"""The planar chain: its first guess by least squares, and the fit that follows it."""

import gymnasium
import numpy as np
import pytest

import hnn_gym
from hnn_gym.coordinates import Control, Coordinates, DegreeOfFreedom
from hnn_gym.data import TransitionDataset
from hnn_gym.data.episode import Episode
from hnn_gym.errors import InputError
from hnn_gym.models import PlanarChainHNN, Variables
from hnn_gym.physics.dynamics import PortHamiltonian
from hnn_gym.physics.hamiltonians import Link, PlanarChain
from hnn_gym.physics.integrators import InVelocities, RungeKutta4, Substeps
from hnn_gym.physics.phase import join
from hnn_gym.training import FitSettings, train_world
from hnn_gym.training.preparation import Preparation

LINKS = (Link(1.0, 1.0, 0.5, 0.1), Link(0.7, 0.8, 0.4, 0.05))
DT = 0.02


def recorded(
    hamiltonian: PlanarChain,
    coordinates: Coordinates,
    control: np.ndarray,
    *,
    damping: float = 0.0,
    turned: float = 0.0,
) -> TransitionDataset:
    """Ten short episodes under random forces, with the zero of the last angle turned."""
    rng, n = np.random.default_rng(0), hamiltonian.n
    dynamics = PortHamiltonian(hamiltonian, control, damping=np.full(n, damping) if damping else None)
    scheme = Substeps(RungeKutta4(), 10)
    q, v = rng.normal(size=(2, 10, n))
    x, states, actions = join(q, hamiltonian.momentum(q, v)), [], rng.uniform(-3, 3, (20, 10, control.shape[1]))
    for u in [*actions, actions[-1]]:
        q, p = np.split(x, 2, axis=-1)
        states.append((q + turned * np.eye(n)[-1], hamiltonian.velocity(q, p)))
        x = scheme.step(dynamics, x, DT, u)
    observation = np.stack([coordinates.observation(*state) for state in states], axis=1)
    none = np.zeros(20, bool)
    episodes = [
        Episode(rows, np.ascontiguousarray(actions[:, i]), np.zeros(20), none, none)
        for i, rows in enumerate(observation)
    ]
    return TransitionDataset.from_episodes(episodes, PROVENANCE)


PROVENANCE = hnn_gym.record_steps(gymnasium.make("Pendulum-v1"), steps=2, seed=0).provenance


def angles(n: int, *, cart: bool = False, unit: str | None = "N m") -> Coordinates:
    first = (DegreeOfFreedom(position=0, velocity=1),) if cart else ()
    at = 2 * cart
    turning = tuple(DegreeOfFreedom(cos=at + 3 * i, sin=at + 3 * i + 1, velocity=at + 3 * i + 2) for i in range(n))
    return Coordinates(
        degrees=first + turning, controls=(Control(degree=0, unit=unit), Control(degree=n - 1, unit=unit))
    )


def first_guess(dataset: TransitionDataset, coordinates: Coordinates, **options: bool) -> PortHamiltonian:
    objective = Preparation.of(dataset, "chain", options=options, coordinates=coordinates, dt=DT).objective(
        FitSettings()
    )
    return objective.architecture.build(objective.initial_parameters())  # type: ignore[return-value]


ARM = PlanarChain.of_links(LINKS, gravity=9.8, upright=False)
CART = PlanarChain.of_links(LINKS, gravity=9.8, upright=True, cart=2.0, absolute=True)


@pytest.mark.parametrize("truth", [ARM, CART], ids=["arm", "cart with poles of absolute angles"])
def test_the_guess_from_exact_steps_is_the_chain_to_four_digits(truth: PlanarChain) -> None:
    coordinates = angles(2, cart=truth.n == 3)
    control = np.eye(truth.n)[:, [0, 1]]
    dataset = recorded(truth, coordinates, control)
    found = first_guess(dataset, coordinates, absolute=truth.kinematics.absolute).hamiltonian
    assert isinstance(found, PlanarChain)
    # The integrals of steps of 0.02 s are exact to their fourth order.
    np.testing.assert_allclose(found.even, truth.even, atol=3e-4 * np.abs(truth.even).max())
    np.testing.assert_allclose(found.odd, 0, atol=3e-4 * np.abs(truth.even).max())
    np.testing.assert_allclose(found.cosines, truth.cosines, atol=3e-4 * np.abs(truth.cosines).max())


def test_gains_and_friction_are_guessed_where_the_controls_have_no_unit() -> None:
    coordinates = angles(2, unit=None)
    dataset = recorded(ARM, coordinates, np.array([[2.0, 0.0], [0.0, 0.5]]), damping=0.3)
    found = first_guess(dataset, coordinates, damping=True)
    scale = ARM.even[0, 0]
    np.testing.assert_allclose(found.control, np.array([[2.0, 0.0], [0.0, 0.5]]) / scale, atol=3e-3)
    np.testing.assert_allclose(found.damping, 0.3 / scale, rtol=2e-2)


def test_a_joint_whose_zero_is_turned_is_a_chain_too() -> None:
    coordinates = angles(2)
    dataset = recorded(ARM, coordinates, np.eye(2), turned=0.4)
    found = first_guess(dataset, coordinates).hamiltonian
    assert isinstance(found, PlanarChain)
    np.testing.assert_allclose(np.hypot(found.even[0, 1], found.odd[0, 1]), ARM.even[0, 1], rtol=3e-3)
    np.testing.assert_allclose(np.arctan2(found.odd[1, 0], found.even[1, 0]), 0.4, atol=3e-3)


def test_acrobot_is_learned_to_the_rounding_of_its_observations_from_150_steps() -> None:
    dataset = hnn_gym.record_steps(gymnasium.make("Acrobot-v1"), steps=150, seed=0)
    world = train_world(dataset, "chain")
    # Observations are float32 numbers of size 1; RK4 with one step of 0.2 s made them.
    assert world.card["figures"]["one_step_rms_on_training_data"] < 1e-7
    assert world.card["training"]["adam"] == 0
    np.testing.assert_allclose(world.dynamics.hamiltonian.cosines, [-14.7, -4.9], rtol=1e-5)  # type: ignore[union-attr]


def test_noisy_recordings_of_a_chain_are_fitted_by_shooting() -> None:
    coordinates = angles(2)
    exact = recorded(ARM, coordinates, np.eye(2))
    rng = np.random.default_rng(1)
    noisy = TransitionDataset.from_episodes(
        [
            Episode(
                e.observation + 0.01 * rng.normal(size=e.observation.shape), e.action, e.reward, *2 * [e.terminated]
            )
            for e in exact
        ],
        exact.provenance,
    )
    settings = FitSettings(loss="shooting", horizon=20, adam_steps=0, lbfgs_steps=0, least_squares_steps=4)
    world = train_world(noisy, "chain", settings=settings, coordinates=coordinates, dt=DT)
    # 200 steps with noise of 1 %.
    np.testing.assert_allclose(world.dynamics.hamiltonian.even, ARM.even, atol=0.1)  # type: ignore[union-attr]


def test_what_is_no_chain_is_refused() -> None:
    with pytest.raises(InputError, match="no degree of freedom is an angle"):
        PlanarChainHNN(Variables((False,), (1.0,), (1.0,), (1.0,)))
    with pytest.raises(InputError, match="constant of the episode"):
        PlanarChainHNN(Variables((True, False), (1.0,) * 2, (1.0,) * 2, (1.0,) * 2, fixed=(False, True)))


def test_the_default_scheme_of_a_chain_without_dry_friction_is_rk4_in_velocities() -> None:
    one = Variables((True,), (1.0,), (1.0,), (1.0,))
    assert PlanarChainHNN(one).integrator == InVelocities(RungeKutta4())
    assert PlanarChainHNN(one, dry=True).integrator.sticks
