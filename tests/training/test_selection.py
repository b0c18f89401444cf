"""Scheme and structure are chosen right where the truth is known, by held-out error, and said in sentences."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import gymnasium
import numpy as np
import pytest
from scipy.linalg import expm

import hnn_gym
from hnn_gym import train as command
from hnn_gym.coordinates import Coordinates
from hnn_gym.data import Episode, TransitionDataset
from hnn_gym.errors import InputError, MissingPathError
from hnn_gym.physics.dynamics import Structure
from hnn_gym.physics.integrators import RungeKutta4, Substeps, SymplecticEuler
from hnn_gym.systems import true_world
from hnn_gym.training import open_loop_error, selection, train_auto
from hnn_gym.training.auto import sentences
from hnn_gym.training.evidence import Evidence
from hnn_gym.training.scheme_search import SchemeSearch
from hnn_gym.training.selection import Selection, chosen
from hnn_gym.training.structures import rigid_bodies, second_order
from hnn_gym.training.trials import Trial, Trials


def recorded(env_id: str, steps: int, policy: str = "random", seed: int = 0) -> TransitionDataset:
    return hnn_gym.record_steps(gymnasium.make(env_id), steps=steps, seed=seed, policy=policy)


def search(dataset: TransitionDataset) -> Selection:
    declared = dataset.provenance.coordinates
    assert declared is not None
    dt = dataset.provenance.dt or 1.0
    return Selection(Trials(Evidence.of(dataset, Coordinates.from_json(declared), dt)))


def two_tried() -> tuple[Selection, Trial, Trial]:
    """A search in which rigid bodies and a second-order network have been tried, and their trials."""
    selection = search(recorded("Pendulum-v1", 200))
    rigid, network = (
        selection.tried(make(selection.trials.variables), SymplecticEuler()) for make in (rigid_bodies, second_order)
    )
    return selection, rigid, network


def test_the_scheme_that_made_a_recording_is_named() -> None:
    assert SchemeSearch(search(recorded("Acrobot-v1", 150)).trials).scheme() == RungeKutta4()


def test_a_finely_integrated_recording_is_not_learned_by_a_first_order_scheme() -> None:
    found = SchemeSearch(
        search(recorded("IdealPendulum-v0", 200)).trials
    ).scheme()  # a scheme of order four, not among the candidates
    assert found.order == RungeKutta4().order


@pytest.fixture(scope="module")
def cart_pole() -> hnn_gym.WorldModel:
    return train_auto(recorded("CartPole-v1", 400))


def test_a_cart_pole_is_learned_to_the_rounding_of_its_observations(cart_pole: hnn_gym.WorldModel) -> None:
    fresh = recorded("CartPole-v1", 300, seed=1)
    # Float32 observations have a relative error of 6e-8; the bar of the package is 5e-5.
    assert open_loop_error(cart_pole, fresh, horizon=1) < 1e-6
    # No symplectic step is explicit Euler; the nearest has its positions.
    assert open_loop_error(cart_pole.stepping("symplectic"), fresh, horizon=1) < 1e-2
    selection = cart_pole.card["selection"]
    assert selection["scheme"] == "explicit-euler"
    assert selection["chosen"]["model"].startswith("rigid bodies")
    assert any("second-order network" in trial["model"] for trial in selection["tried"])
    assert any("explicit-euler" in sentence for sentence in selection["words"])


def test_the_formula_of_a_cart_pole_is_found(cart_pole: hnn_gym.WorldModel) -> None:
    """M = [[1.1, 0.05 cos q1], [0.05 cos q1, 0.1 / 3]] and V = 0.04 cos q1, without positions, squares and sines."""
    parameters = cart_pole.parameters
    assert parameters is not None
    cosines, others = parameters["mass.w0"][:, 0], parameters["mass.w0"][:, 1:]
    # The pole stays upright, where a cosine is nearly 1, so that constants and cosines are hard to tell apart.
    np.testing.assert_allclose(parameters["mass.constant"], [1.1, 0.0, 0.1 / 3], atol=1e-4)
    np.testing.assert_allclose(cosines, [0.0, 0.05, 0.0], atol=1e-4)
    np.testing.assert_array_equal(others, 0.0)
    np.testing.assert_array_equal(parameters["potential.w0"][:, 1:], 0.0)
    assert any("The formula that was found: M00 = 1.1" in words for words in cart_pole.card["selection"]["words"])


def test_a_world_chosen_automatically_steps_symplectically_unless_asked_for_its_recording(
    cart_pole: hnn_gym.WorldModel,
) -> None:
    default = gymnasium.make("HNN-v0", world_model=cart_pole).unwrapped.world  # type: ignore[attr-defined]
    twin = gymnasium.make("HNN-v0", world_model=cart_pole, stepping="recorded").unwrapped.world  # type: ignore[attr-defined]
    assert default.integrator.symplectic
    assert twin.integrator == cart_pole.integrator
    x = cart_pole.phase_point(np.array([0.0, 0.1]), np.zeros(2))
    kept = default.energy(default.rollout(x, steps=3000))
    gained = twin.energy(twin.rollout(x, steps=3000))
    assert np.ptp(kept) < 0.05 * np.ptp(gained)
    with pytest.raises(InputError, match="'symplectic' or 'recorded'"):
        gymnasium.make("HNN-v0", world_model=cart_pole, stepping="sideways")


def test_a_model_without_an_energy_is_chosen_only_if_it_is_clearly_better() -> None:
    _, rigid, network = two_tried()
    slightly = replace(network, one_step=rigid.one_step / 1.15, many_steps=rigid.many_steps)
    clearly = replace(network, one_step=rigid.one_step / 2, many_steps=rigid.many_steps)
    assert chosen([rigid, slightly]) is rigid
    assert chosen([rigid, clearly]) is clearly
    # An energy that explains next to nothing is none; where one step alone errs, it may be noise.
    poor, noisy = (replace(rigid, one_step=0.4, many_steps=error) for error in (0.7, 0.01))
    other = replace(network, one_step=0.42, many_steps=0.72)
    assert chosen([poor, other]) is other
    assert chosen([noisy, replace(other, many_steps=0.0101)]) is noisy


@pytest.mark.parametrize("size", [0.01, 1e-13])
def test_nothing_that_was_tried_is_better_than_what_is_chosen_by_more_than_a_tenth(
    size: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    selection, rigid, network = two_tried()
    worse, quick = (
        replace(trial, one_step=times * size, many_steps=times * size) for trial, times in ((rigid, 3), (network, 1))
    )
    selection.trials.done[:] = [worse, replace(quick, label=f"{quick.label}, quickly")]
    monkeypatch.setattr(selection, "_searched", lambda scheme: worse)
    assert selection.structure(SymplecticEuler()) == quick
    selection.trials.done[:] = [worse, replace(worse, one_step=2.9 * size)]
    assert selection.structure(SymplecticEuler()) is worse


def test_where_nothing_explains_much_a_network_that_was_fitted_for_a_moment_is_chosen_too(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    selection, rigid, network = two_tried()
    poor, worse = replace(rigid, one_step=0.4, many_steps=0.7), replace(network, one_step=0.9, many_steps=0.9)
    quick = replace(network, one_step=0.42, many_steps=0.72)
    selection.trials.done[:] = [replace(quick, label=f"{quick.label}, quickly"), worse, poor]
    monkeypatch.setattr(selection, "_with_more", lambda base, structure, scheme: base)
    monkeypatch.setattr(selection, "tried", lambda structure, scheme, seconds=None: worse)
    assert selection._extended([poor]) == quick
    words = " ".join(sentences(quick, selection.trials, SymplecticEuler()))
    assert "It is not taken, since what errs so much says nothing of an energy." in words


def kicked() -> TransitionDataset:
    """A point on a spring that somebody kicks at every step, which no entry shows: no smooth force explains it."""
    rng = np.random.default_rng(0)
    times, q, v = [0.1 * np.arange(41)] * 5, rng.normal(size=(5, 1)), rng.normal(size=(5, 1))
    forces, seen = rng.uniform(-1, 1, (5, 41, 1)), [np.concatenate([q, v], axis=1)]
    for t in range(40):
        v = v - 0.1 * (q - forces[:, t]) + 0.3 * rng.choice([-1.0, 1.0], (5, 1))
        q = q + 0.1 * v
        seen.append(np.concatenate([q, v], axis=1))
    states = np.stack(seen, axis=1)
    names = {"position": ("x",)}
    return TransitionDataset.from_arrays(
        times, list(states[..., :1]), velocity=list(states[..., 1:]), action=list(forces), names=names
    )


def test_where_no_smooth_force_explains_a_recording_neither_finer_steps_nor_looser_models_are_tried() -> None:
    said: list[str] = []
    coordinates = Coordinates((hnn_gym.DegreeOfFreedom(position=0, velocity=1),), (hnn_gym.Control(degree=0),))
    selection = Selection(Trials(Evidence.of(kicked(), coordinates, 0.1), said.append))
    best = selection.structure(SchemeSearch(selection.trials).scheme())
    assert any("No smooth force explains these steps" in sentence for sentence in said)
    assert best.merit <= 1.1 * min(trial.merit for trial in selection.trials.done)
    tried = [trial.label for trial in selection.trials.done]
    assert not any(word in label for label in tried for word in ("M(q)", "learned friction", "a residual force"))
    assert any("dry friction" in label for label in tried)
    counted = [trial.scheme for trial in selection.trials.done if "dry friction" not in trial.label]
    assert not any(isinstance(scheme, Substeps) for scheme in counted)


class Jumps:
    """A point that a force moves by a kick of its cube: no energy explains it, and a network does."""

    @staticmethod
    def recording() -> TransitionDataset:
        rng = np.random.default_rng(0)
        episodes = []
        for _ in range(6):
            u = rng.uniform(-1, 1, (50, 1))
            seen = [rng.normal(size=2)]
            for push in u[:, 0]:
                q, v = seen[-1]
                v = v + 0.1 * (push**3 + np.tanh(3 * v) - v)
                seen.append(np.array([q + 0.1 * v, v]))
            rows = np.array(seen)
            nothing = np.zeros(50)
            episodes.append(Episode(rows, u, nothing, nothing > 0, nothing > 0))
        coordinates = Coordinates(
            (hnn_gym.DegreeOfFreedom(position=0, velocity=1),), (hnn_gym.Control(degree=0, limit=1.0),)
        )
        provenance = replace(recorded("Pendulum-v1", 5).provenance, coordinates=coordinates.to_json(), dt=0.1)
        return TransitionDataset.from_episodes(episodes, replace(provenance, env_id="Jumps-v0"))


def two_masses_on_springs(*, stepped: bool = False) -> TransitionDataset:
    """x'' = -2 x + 3 (y - x) and y'' / 2 = -3 (y - x) + u, exactly or by semi-implicit Euler.

    V = 5/2 x^2 + 3/2 y^2 - 3 x y.
    """
    rates = np.zeros((5, 5))
    rates[:2, 2:4] = np.eye(2)
    rates[2:4] = [[-5.0, 3.0, 0.0, 0.0, 0.0], [6.0, -6.0, 0.0, 0.0, 2.0]]
    step = expm(0.05 * rates)[:4]  # [q, v, u] -> [q, v]
    if stepped:
        step = (np.eye(5) + 0.05 * rates)[:4]
        step[:2] = np.eye(5)[:2] + 0.05 * step[2:]
    rng = np.random.default_rng(0)
    forces, paths = rng.uniform(-2, 2, (4, 40, 1)), rng.uniform(-1, 1, (4, 1, 4))
    for t in range(40):
        paths = np.concatenate([paths, np.concatenate([paths[:, -1], forces[:, t]], axis=1)[:, None] @ step.T], axis=1)
    times, names = [0.05 * np.arange(41)] * 4, {"position": ("x", "y")}
    forces = np.concatenate([forces, forces[:, -1:]], axis=1)
    return TransitionDataset.from_arrays(
        times, list(paths[..., :2]), velocity=list(paths[..., 2:]), action=list(forces), names=names
    )


PUSHED_AT_Y = Coordinates(
    (hnn_gym.DegreeOfFreedom(position=0, velocity=2), hnn_gym.DegreeOfFreedom(position=1, velocity=3)),
    (hnn_gym.Control(degree=1),),  # of forces on both, many M and V say the same
)


def test_masses_that_springs_connect_are_rigid_bodies_with_products_of_positions_in_v() -> None:
    found = Selection(Trials(Evidence.of(two_masses_on_springs(), PUSHED_AT_Y, 0.05)))
    trial = found.tried(rigid_bodies(found.trials.variables), RungeKutta4())
    assert trial.merit < 1e-4  # RK4 itself errs by 1e-6 of a change here


def test_rigid_bodies_whose_masses_are_found_to_be_constant_step_by_the_symplectic_scheme_of_their_recording() -> None:
    world = train_auto(two_masses_on_springs(stepped=True), coordinates=PUSHED_AT_Y, integrator=SymplecticEuler())
    assert world.card["selection"]["chosen"]["model"].startswith("rigid bodies")
    assert world.dynamics.structure >= Structure.SPLIT
    assert world.integrator == world.stepping("symplectic").integrator == SymplecticEuler()
    assert any("M00 = 1, M11 = 0.5, V = 2.5 q0^2" in words for words in world.card["selection"]["words"])


def test_where_no_energy_is_found_the_sentences_say_so(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, steps in (("NETWORK", 32), ("LONGER", 8)):
        monkeypatch.setattr(selection, name, replace(getattr(selection, name), steps=steps, rows=200, most_rows=200))
    world = train_auto(Jumps.recording(), integrator=SymplecticEuler())
    assert not world.has_energy
    words = " ".join(world.card["selection"]["words"])
    assert "No energy was found" in words
    assert "The best model with an energy is" in words
    assert "times as much on the whole" in words
    v = np.concatenate([episode.observation[:, 1] for episode in Jumps.recording()])
    assert world.coordinates.degrees[0].speed_limit == pytest.approx(2 * np.abs(v).max())


def test_the_command_line_chooses_and_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(selection, "NETWORK", replace(selection.NETWORK, steps=16))
    recording = tmp_path / "p.zarr"
    writer = hnn_gym.RecordTransitions(gymnasium.make("Pendulum-v1"), recording)
    writer.reset(seed=0)
    rng = np.random.default_rng(0)
    for _ in range(150):
        writer.step(rng.uniform(-2, 2, 1).astype(np.float32))
    writer.close()
    monkeypatch.setattr("sys.argv", ["train", str(recording), "--out", str(tmp_path / "run")])
    command.main()
    printed = " ".join(capsys.readouterr().out.split())
    assert "The model is: rigid bodies" in printed
    assert "semi-implicit-euler" in printed
    env = gymnasium.make("HNN-v0", world_model=str(tmp_path / "run"))
    env.reset(seed=0)
    env.step(env.action_space.sample())


def test_nothing_has_to_be_declared_and_a_scheme_can_be_named() -> None:
    known = recorded("Pendulum-v1", 300)
    assert known.provenance.coordinates is not None
    declared = Coordinates.from_json(known.provenance.coordinates)
    dataset = TransitionDataset.from_episodes(list(known), replace(known.provenance, coordinates=None))
    said: list[str] = []
    world = train_auto(dataset, integrator=SymplecticEuler(), tell=said.append)
    (degree,), (expected,) = world.coordinates.degrees, declared.degrees
    assert (degree.cos, degree.sin, degree.velocity) == (expected.cos, expected.sin, expected.velocity)
    assert world.card["inferred"]
    assert said[: len(world.card["inferred"])] == world.card["inferred"]
    assert world.card["selection"]["scheme"] == "semi-implicit-euler"


def test_a_recording_that_is_missing_or_too_short_is_refused(tmp_path: Path) -> None:
    with pytest.raises(MissingPathError, match=r"nothing\.zarr"):
        train_auto(tmp_path / "nothing.zarr")
    with pytest.raises(InputError, match=r"Pendulum-v1 has 10 transitions.*needs at least 20"):
        train_auto(recorded("Pendulum-v1", 10))


def test_the_open_loop_error_of_the_true_world_is_rounding_and_of_another_is_not() -> None:
    dataset = recorded("Pendulum-v1", 400)
    true = true_world("Pendulum-v1")
    assert open_loop_error(true, dataset, horizon=20) < 1e-4  # float32 observations over 20 steps
    assert open_loop_error(true.with_dt(0.06), dataset, horizon=20) > 0.05


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"damping": True}, "--damping is an option of a model.*--model mechanical"),
        ({"fit": hnn_gym.FitSettings(adam_steps=3)}, "--adam-steps is an option of the fit"),
        ({"resume": True}, "cannot be resumed"),
        ({"integrator": "rk5"}, "no scheme 'rk5': choose from explicit-euler, "),
    ],
)
def test_options_that_do_not_go_with_the_search_are_named(
    tmp_path: Path, options: dict[str, object], words: str
) -> None:
    with pytest.raises(InputError, match=words):
        command.TrainSettings(tmp_path / "a.zarr", out=tmp_path / "b", **options)  # type: ignore[arg-type]
