"""Training on noisy data: whole episodes by windows that join, a score that is robust to noise, ensembles."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from copy import copy
from dataclasses import replace
from functools import partial
from typing import Any

import gymnasium
import numpy as np
import pytest
import torch

from hnn_gym import FitSettings, InputError, ObservationNoise, TransitionDataset, WorldModel, record_steps, train_world
from hnn_gym.data import LogSettings
from hnn_gym.models.port import network_weights
from hnn_gym.physics.integrators import ImplicitMidpoint, Leapfrog, SymplecticEuler
from hnn_gym.systems import coordinates_of, true_world
from hnn_gym.training import FitState, held_out_error, one_step_rms, train_ensemble
from hnn_gym.training.ensemble import EnsembleObjective
from hnn_gym.training.objective import STARTS, Objective
from hnn_gym.training.preparation import Preparation
from hnn_gym.training.rounds import fit_by_rounds
from hnn_gym.training.settings import GAP_WEIGHTS

SHOOTING = FitSettings(
    loss="shooting",
    horizon=60,
    first_horizon=10,
    decay=1e-5,
    adam_steps=40,
    lbfgs_steps=0,
    least_squares_steps=6,
)


@pytest.fixture(scope="module")
def noisy() -> TransitionDataset:
    return recorded(0.05, steps=180, seed=0)


def recorded(share: float, *, steps: int, seed: int) -> TransitionDataset:
    coordinates = coordinates_of("Pendulum-v1")
    assert coordinates is not None
    env = ObservationNoise(gymnasium.make("Pendulum-v1"), share)
    return record_steps(env, steps=steps, seed=seed, coordinates=coordinates.to_json())


def test_windows_that_join_recover_the_motion_from_noise(noisy: TransitionDataset) -> None:
    world = train_world(noisy, "mechanical", settings=SHOOTING, options={"hidden": (4,)})
    clean = recorded(0.0, steps=200, seed=1)
    # The noise of a single observation is 0.05; the first-order error of a fit to single steps stays near that.
    assert one_step_rms(world, clean) < 0.006
    assert world.card["training"]["settings"]["first_horizon"] == 10


def pushed_spring(*, seed: int) -> tuple[np.ndarray, ...]:
    """Stamps, positions and forces of a mass on a spring, in exact rotations; a force lasts for four rows."""
    rng, w, dt = np.random.default_rng(seed), 4.0, 0.08
    force = np.repeat(rng.uniform(-4, 4, 40), 4)
    q, v, positions = 0.5, 0.0, []
    for push in force:
        positions.append(q)
        rest, c, s = push / w**2, np.cos(w * dt), np.sin(w * dt)
        q, v = rest + c * (q - rest) + s * v / w, -w * s * (q - rest) + c * v
    return np.arange(len(force)) * dt, np.array(positions)[:, None], force[:, None]


def test_a_log_is_learned_through_leapfrog_which_knows_a_force_in_the_middle_of_a_step() -> None:
    log, fresh = (
        TransitionDataset.from_arrays(time, position, action=force, settings=LogSettings(lengths=("q0",)))
        for time, position, force in (pushed_spring(seed=0), pushed_spring(seed=1))
    )
    fit = replace(SHOOTING, horizon=20, adam_steps=0, first_horizon=None, least_squares_steps=14)
    own = train_world(log, "mechanical", settings=fit, options={"hidden": ()})
    euler = train_world(log, "mechanical", settings=fit, options={"hidden": ()}, integrator=SymplecticEuler())
    assert own.integrator == Leapfrog()
    assert held_out_error(own, fresh) < 1e-4
    assert held_out_error(euler, fresh) > 1e-2
    second = train_world(log, "second-order", settings=replace(fit, least_squares_steps=1), options={"hidden": (2,)})
    assert second.integrator == Leapfrog()


def objective_of(dataset: TransitionDataset, settings: FitSettings = SHOOTING, gap_weight: float = 0.0) -> Objective:
    return Preparation.of(dataset, "mechanical", options={"hidden": (4,)}).objective(settings, gap_weight)


def test_windows_of_an_episode_join_and_those_of_two_do_not(noisy: TransitionDataset) -> None:
    episodes = record_steps(
        gymnasium.make("Pendulum-v1", max_episode_steps=25), steps=50, seed=0, coordinates=noisy.provenance.coordinates
    )
    made: list[Objective] = []

    def objective(settings: FitSettings, gap_weight: float = 0.0) -> Objective:
        made.append(objective_of(episodes, settings, gap_weight))
        return made[-1]

    settings = replace(SHOOTING, horizon=20, first_horizon=5, adam_steps=1, least_squares_steps=1)
    state = fit_by_rounds(objective, settings.rounds(25), settings)
    assert [of.settings.horizon for of in made] == [5] * len(GAP_WEIGHTS) + [20]
    assert [of.gap_weight for of in made] == [*GAP_WEIGHTS, 0.0]
    for of in made[:-1]:
        assert np.flatnonzero(of.windows.joined).tolist() == [0, 1, 2, 3, 5, 6, 7, 8]
    assert made[-1].windows.steps.tolist() == [13, 12] * 2
    assert state.parameters[STARTS].shape == (4, 2)


def test_gaps_are_the_differences_between_the_end_of_a_window_and_the_next_start(noisy: TransitionDataset) -> None:
    settings = replace(SHOOTING, horizon=20, first_horizon=None)
    joined = objective_of(noisy, settings, 3.0)
    parameters = {name: torch.tensor(value) for name, value in joined.initial_parameters().items()}
    world = joined.world({name: value.numpy() for name, value in parameters.items() if name != STARTS})
    q, v = np.split(parameters[STARTS].numpy(), 2, axis=-1)
    path = world.decode(world.rollout(world.phase_point(q, v), np.moveaxis(joined.action.numpy(), 1, 0)))
    gap = (path[-1, :-1] - path[0, 1:]) / [1, 1, 8]
    alone = objective_of(noisy, settings)
    assert float(joined(parameters)[0] - alone(parameters)[0]) == pytest.approx(3.0 * np.mean(gap**2), rel=1e-9)
    assert float(joined(parameters)[1]) == float(alone(parameters)[1])  # the loss is of the errors alone
    (residual,) = joined.residuals_by_member()
    assert float(residual(parameters).square().sum()) == pytest.approx(float(joined(parameters)[0]), rel=1e-12)


def test_windows_that_join_end_with_a_residual_of_the_noise() -> None:
    # Without joints this fit ends at a loss of 0.29.
    noisy = recorded(0.2, steps=200, seed=103)
    settings = replace(SHOOTING, horizon=200, first_horizon=10, decay=1e-4, adam_steps=30, least_squares_steps=8)
    state = fit_by_rounds(partial(objective_of, noisy), settings.rounds(200), settings)
    parameters = {name: torch.tensor(value) for name, value in state.parameters.items()}
    assert float(objective_of(noisy, settings)(parameters)[1]) < 1.1 * 0.2**2


def test_a_fit_stopped_in_any_round_resumes_to_the_same_end(noisy: TransitionDataset) -> None:
    settings = replace(SHOOTING, horizon=20, first_horizon=10, adam_steps=2, least_squares_steps=2)
    states: list[FitState] = []
    rounds = settings.rounds(180)
    end = fit_by_rounds(
        partial(objective_of, noisy), rounds, settings, report=lambda _, state: states.append(copy(state))
    )
    assert {state.round for state in states} == set(range(len(rounds)))
    for state in states[1::4]:
        resumed = fit_by_rounds(partial(objective_of, noisy), rounds, settings, state=copy(state))
        for name, value in end.parameters.items():
            np.testing.assert_array_equal(resumed.parameters[name], value, err_msg=f"{name} of round {state.round}")


def test_a_first_horizon_is_shorter_than_the_horizon_of_shooting() -> None:
    with pytest.raises(InputError, match="at most the horizon"):
        FitSettings(loss="shooting", horizon=20, first_horizon=50)
    with pytest.raises(InputError, match="shooting"):
        FitSettings(horizon=40, first_horizon=20)


def test_the_truth_predicts_up_to_the_noise_and_a_wrong_world_does_not() -> None:
    held_out = recorded(0.02, steps=400, seed=2)
    truth = true_world("Pendulum-v1")
    assert held_out_error(truth, recorded(0.0, steps=200, seed=2)) < 1e-5  # float32 observations
    assert held_out_error(truth, held_out) == pytest.approx(0.02, rel=0.5)  # and the error of the estimated start
    assert held_out_error(truth.with_dt(0.06), held_out) > 2 * held_out_error(truth, held_out)


def test_a_world_with_an_implicit_scheme_has_a_held_out_error_too() -> None:
    truth = true_world("Pendulum-v1")
    implicit = replace(truth, integrator=ImplicitMidpoint())
    errors = [held_out_error(world, recorded(0.02, steps=60, seed=2)) for world in (truth, implicit)]
    assert errors[0] < errors[1] < 1  # the recording is made by symplectic Euler, in steps of a twentieth of a second


def test_held_out_windows_have_to_fit_in_an_episode() -> None:
    with pytest.raises(InputError, match="steps"):
        held_out_error(true_world("Pendulum-v1"), recorded(0.0, steps=10, seed=0))


def members_differ(worlds: tuple[WorldModel, ...]) -> bool:
    x = np.array([[0.3, 0.1], [2.0, -1.0]])
    energies = [world.energy(x) for world in worlds]
    return not np.allclose(energies[0], energies[1], rtol=1e-12)


def test_an_ensemble_is_learned_as_one_and_its_members_differ() -> None:
    clean = recorded(0.0, steps=100, seed=0)
    settings = FitSettings(adam_steps=40, lbfgs_steps=0, least_squares_steps=10)
    worlds = train_ensemble(clean, "mechanical", members=3, settings=settings, options={"hidden": (8,)})
    assert len(worlds) == 3
    assert members_differ(worlds)
    assert all(one_step_rms(world, clean) < 0.02 for world in worlds)
    assert [world.card["member"] for world in worlds] == [0, 1, 2]


class Elsewhere(ThreadPoolExecutor):
    """Computes what has been pickled, as another process does."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        fn, args = pickle.loads(pickle.dumps((fn, args)))
        return super().submit(fn, *args, **kwargs)


def test_an_executor_fits_each_member_by_itself_to_the_same_numbers() -> None:
    clean = recorded(0.0, steps=100, seed=0)
    settings = FitSettings(adam_steps=20, lbfgs_steps=5)
    options = {"hidden": (8,)}
    with Elsewhere(2) as executor:
        worlds, again = (
            train_ensemble(clean, members=3, settings=settings, options=options, executor=executor) for _ in range(2)
        )
        with pytest.raises(InputError, match="leave state and report out"):
            train_ensemble(clean, settings=settings, executor=executor, state=FitState({}))
    assert members_differ(worlds)
    assert [world.card["member"] for world in worlds] == [0, 1, 2]
    for one, other in zip(worlds, again, strict=True):
        np.testing.assert_equal(one.parameters, other.parameters)


@pytest.mark.parametrize("loss", ["prediction", "shooting", "derivative"])
def test_the_objective_of_an_ensemble_is_the_sum_of_those_of_its_members(loss: str, noisy: TransitionDataset) -> None:
    settings = FitSettings(loss=loss, horizon=5, decay=1e-3)  # type: ignore[arg-type]
    alone = objective_of(noisy, settings)
    ensemble = EnsembleObjective(alone, 2, range(2))
    ensemble._roots = torch.ones_like(ensemble._roots)
    parameters = {name: torch.tensor(value) for name, value in ensemble.initial_parameters().items()}
    members = [alone({name: value[i] for name, value in parameters.items()})[0] for i in range(2)]
    assert ensemble(parameters)[0].item() == pytest.approx(sum(members).item(), rel=1e-12)  # type: ignore[union-attr]
    for i, residual in enumerate(ensemble.residuals_by_member()):
        own = {name: value[i] for name, value in parameters.items()}
        assert residual(own).square().sum().item() == pytest.approx(members[i].item(), rel=1e-12)


def test_an_ensemble_of_one_is_refused(noisy: TransitionDataset) -> None:
    with pytest.raises(InputError, match=r"train_world\(\)"):
        train_ensemble(noisy, members=1)


def test_decay_does_not_shrink_the_inertia_with_the_potential(noisy: TransitionDataset) -> None:
    of = objective_of(noisy, replace(SHOOTING, horizon=20, first_horizon=None, decay=0.1))
    parameters = {name: torch.tensor(value) for name, value in of.initial_parameters().items()}
    heavier = parameters | {
        "inertia.log": parameters["inertia.log"] + np.log(2.0),
        "potential.w1": 2 * parameters["potential.w1"],
    }
    decays = [float(of(p)[0] - of(p)[1]) for p in (parameters, heavier)]
    assert decays[0] == pytest.approx(decays[1], rel=1e-9)
    weights = network_weights(parameters)
    assert weights.keys() == {"potential.w0", "potential.w1"}
    inertia = float(parameters["inertia.log"].exp())
    expected = weights["potential.w0"].square().sum() + (weights["potential.w1"] / inertia).square().sum()
    assert decays[0] == pytest.approx(0.1 * float(expected), rel=1e-9)


@pytest.mark.parametrize("model", ["mechanical", "second-order"])
def test_a_fit_of_noisy_data_begins_with_a_tenth_of_the_field(model: str, noisy: TransitionDataset) -> None:
    fields = []
    for loss in ("prediction", "shooting"):
        settings = FitSettings(loss=loss)  # type: ignore[arg-type]
        of = Preparation.of(noisy, model, options={"hidden": (4,)}).objective(settings)
        parameters = {
            name: value for name, value in of.initial_parameters().items() if name not in (STARTS, "inertia.log")
        }
        if model == "mechanical":
            parameters["inertia.log"] = np.zeros(1)
        dynamics = of.world(parameters).dynamics
        fields.append(dynamics.dpdt(np.array([[0.3]]), np.array([[0.5]]), np.array([[0.0]])))
    # float64 sums of a handful of products
    np.testing.assert_allclose(fields[1], 0.1 * fields[0], rtol=1e-12)


def test_the_noise_of_the_sensors_is_known_although_the_fit_follows_a_part_of_it() -> None:
    # Two of the nine numbers of an episode determine its start, so that the errors of the fit are 12 % too small.
    noisy = ObservationNoise(gymnasium.make("Pendulum-v1", max_episode_steps=2), 0.05)
    coordinates = coordinates_of("Pendulum-v1")
    assert coordinates is not None
    recorded = record_steps(noisy, steps=400, seed=0, coordinates=coordinates.to_json())
    settings = FitSettings(loss="shooting", horizon=2, adam_steps=0, lbfgs_steps=0, least_squares_steps=15)
    world = train_world(recorded, "mechanical", settings=settings, options={"hidden": (4,)})
    share = np.array(world.card["figures"]["sensor_noise"]) / noisy.std
    assert share.mean() == pytest.approx(1, abs=0.05)  # of 1,800 numbers: three times 1.7 %
