"""Standard errors of a fit, against the formulas of linear regression, and what a recording leaves open."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch

from hnn_gym.coordinates import Control, Coordinates, DegreeOfFreedom
from hnn_gym.data import LogSettings, TransitionDataset
from hnn_gym.physics.dynamics import PortHamiltonian
from hnn_gym.physics.hamiltonians import Link, PlanarChain
from hnn_gym.physics.integrators import InVelocities, Leapfrog
from hnn_gym.training import FitSettings, train_world
from hnn_gym.training.determination import physical_words
from hnn_gym.training.least_squares import Problem
from hnn_gym.training.uncertainty import Uncertainty, uncertainty
from hnn_gym.worlds.world_model import WorldModel

WINDOWS, ROWS, STARTS, SHARED = 60, 12, 2, 3
RNG = np.random.default_rng(0)
J, L = RNG.normal(size=(WINDOWS, ROWS, SHARED)), RNG.normal(size=(WINDOWS, ROWS, STARTS))


def fitted(errors: np.ndarray) -> tuple[Uncertainty, np.ndarray]:
    """The uncertainty of a linear fit whose windows have starts of their own, and the textbook's standard errors."""
    whole = np.zeros((WINDOWS * ROWS, SHARED + WINDOWS * STARTS))
    whole[:, :SHARED] = J.reshape(-1, SHARED)
    for i in range(WINDOWS):
        columns = slice(SHARED + i * STARTS, SHARED + (i + 1) * STARTS)
        whole[i * ROWS : (i + 1) * ROWS, columns] = L[i]
    solution = np.linalg.lstsq(whole, errors.ravel())[0]
    left = np.sum((whole @ solution - errors.ravel()) ** 2) / (whole.shape[0] - whole.shape[1])
    expected = np.sqrt(left * np.diag(np.linalg.inv(whole.T @ whole))[:SHARED])

    def residual(p: Mapping[str, torch.Tensor]) -> torch.Tensor:
        shared = torch.einsum("nmp,p->nm", torch.tensor(J), p["a"])
        return shared + torch.einsum("nmk,nk->nm", torch.tensor(L), p["s"]) - torch.tensor(errors)

    at = {"a": solution[:SHARED], "s": solution[SHARED:].reshape(WINDOWS, STARTS)}
    problem = Problem(residual, at, local="s")
    return uncertainty(problem.linearised(problem.theta, problem.own), at, local="s"), expected


def test_standard_errors_are_those_of_linear_regression_where_all_errors_are_independent() -> None:
    found, expected = fitted(np.random.default_rng(1).normal(size=(WINDOWS, ROWS)))
    # The estimate from 60 windows has an error of 1 / sqrt(120) = 9 %, and is the larger of two.
    assert np.all(found.errors["a"] >= expected * (1 - 1e-9))
    np.testing.assert_allclose(found.errors["a"], expected, rtol=0.3)


def test_errors_that_stay_for_a_whole_window_widen_the_standard_errors() -> None:
    lasting = np.random.default_rng(1).normal(size=(WINDOWS, 1, SHARED))
    found, textbook = fitted((J * lasting).sum(-1))  # every window has parameters of its own, of standard deviation 1
    assert np.all(found.errors["a"] > 1.5 * textbook)
    np.testing.assert_allclose(found.errors["a"], 1 / np.sqrt(WINDOWS), rtol=0.35)


def test_what_always_occurs_together_is_a_free_direction() -> None:
    t = torch.tensor(np.random.default_rng(2).normal(size=50))

    def residual(p: Mapping[str, torch.Tensor]) -> torch.Tensor:
        return (p["a"] + p["b"]) * t - t + 0.01 * torch.sin(100 * t) + 0 * p["c"]

    at = {"a": np.array([0.5]), "b": np.array([0.5]), "c": np.array([1.0])}
    problem = Problem(residual, at)
    found = uncertainty(problem.linearised(problem.theta, problem.own), at)
    nothing, together = found.free_directions()
    np.testing.assert_array_equal(nothing, [0, 0, 1])
    np.testing.assert_allclose(np.abs(together), [np.sqrt(0.5), np.sqrt(0.5), 0])


def log(torque: float, *, swing: float, seed: int = 0) -> TransitionDataset:
    """Noisy positions of a pendulum with 0.02 N m s of viscous and 0.1 N m of Coulomb friction."""
    truth = PortHamiltonian(
        PlanarChain.of_links([Link(0.5, 0.4, 0.3, 0.01)], gravity=9.81, upright=False),
        np.eye(1),
        np.array([0.02]),
        np.array([0.1]),
    )
    coordinates = Coordinates((DegreeOfFreedom(position=0, angle=True),), (Control(0, unit="N m"),))
    world, rng = WorldModel(coordinates, truth, InVelocities(Leapfrog()), 0.02), np.random.default_rng(seed)
    force = torque * np.repeat(rng.choice([-1.0, 1.0], 10), 15)[:, None]
    q, _ = world.state(world.rollout(world.phase_point(np.array([swing]), np.zeros(1)), force))
    t = 0.02 * np.arange(len(q))
    action = np.concatenate([force, force[-1:]])
    settings = LogSettings(name="pendulum")
    return TransitionDataset.from_arrays(t, q + 1e-3 * rng.normal(size=q.shape), action=action, settings=settings)


FIT = FitSettings(loss="shooting", horizon=10, adam_steps=0, lbfgs_steps=0, least_squares_steps=6)
OPTIONS = {"damping": True, "dry": True, "symmetric": True}


def test_friction_is_reported_with_a_standard_error_that_covers_the_truth() -> None:
    world = train_world(
        log(0.6, swing=0.3), "chain", settings=FIT, options=OPTIONS, integrator=InVelocities(Leapfrog())
    )
    (friction,) = world.card["friction"]
    for kind, truth, unit in (("viscous", 0.02, "N m s"), ("coulomb", 0.1, "N m")):
        entry = friction[kind]
        assert entry["unit"] == unit
        assert abs(entry["value"] - truth) < 4 * entry["standard_error"]
        assert 0 < entry["standard_error"] < 0.2 * truth
    assert "undetermined" not in world.card
    assert len(physical_words(world.card)) == 2
    x = np.random.default_rng(0).normal(size=(5, 2))
    np.testing.assert_allclose(world.energy(x), world.energy(-x), rtol=1e-12)
    assert set(world.parameters or ()) == {"chain.diagonal", "chain.cosines", "damping.log", "dry.log"}


def test_a_log_without_torque_does_not_tell_inertia_weight_and_friction_apart() -> None:
    world = train_world(
        log(0.0, swing=1.5), "chain", settings=FIT, options=OPTIONS, integrator=InVelocities(Leapfrog())
    )
    sentence = world.card["undetermined"]
    assert "the inertia of link 1" in sentence
    assert "the weight of link 1" in sentence
    assert "friction of position 1" in sentence


def test_masses_of_other_models_are_named_where_no_torque_tells_them() -> None:
    options = {"hidden": (4,), "damping": True, "dry": True}
    still, pushed = (
        train_world(log(torque, swing=swing), "mechanical", settings=FIT, options=options, integrator=Leapfrog())
        for torque, swing in ((0.0, 1.5), (0.6, 0.3))
    )
    assert "undetermined" not in pushed.card
    assert still.card["undetermined"].startswith(
        "The recording does not determine the mass of position 1, the viscous friction of position 1 and the Coulomb"
    )


def test_a_world_without_friction_from_a_log_without_torque_names_its_mass() -> None:
    world = train_world(log(0.0, swing=1.5), "mechanical", settings=FIT, options={"hidden": ()}, integrator=Leapfrog())
    assert world.card["undetermined"].startswith("The recording does not determine the mass of position 1: it may")
