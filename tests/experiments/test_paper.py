"""The paper's tasks: data, protocols and scores on small settings; the published numbers come from the command."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.integrate import solve_ivp

from experiments.paper.bodies import BodySettings, body_architecture, fit_bodies
from experiments.paper.command import Settings, main
from experiments.paper.data import make_data, trajectories
from experiments.paper.faithful import faithful_architecture, initial_parameters
from experiments.paper.floors import cramer_rao
from experiments.paper.many_bodies import ManyBodySettings, measure_many_bodies
from experiments.paper.real_pendulum import fit_real, load_recording, real_score
from experiments.paper.real_runs import RealRunSettings
from experiments.paper.runs import RunSettings, Trained
from experiments.paper.scoring import corrected_score, follow, paper_score, perturbed_truth_score
from experiments.paper.smooth import SmoothSettings, fit_smooth, smooth_architecture
from experiments.paper.tasks import PENDULUM, SIMULATED, SPRING, THREE_BODY, TWO_BODY
from experiments.paper.worlds import world_of
from hnn_gym.errors import InputError, MissingPathError
from hnn_gym.models import MechanicalHNN
from hnn_gym.physics.dynamics import PortHamiltonian
from hnn_gym.physics.phase import join, symplectic_gradient
from hnn_gym.physics.reference import reference_trajectory
from hnn_gym.studies import Results
from hnn_gym.systems.starts import near_circular_triple
from hnn_gym.training.least_squares import LeastSquaresSettings, least_squares

RECORDING = Path(__file__).parents[2] / ".." / "shared" / "data" / "invar_datasets.zip"
needs_recording = pytest.mark.skipif(
    not RECORDING.is_file(), reason="the data of Schmidt and Lipson are the user's: not at ../shared/data"
)
FEW = LeastSquaresSettings(steps=3)
TINY = RunSettings(
    steps=2,
    trajectories=10,
    paper_starts=2,
    corrected_starts=2,
    symmetry_steps=100,
    smooth=SmoothSettings(hidden=(3,), tries=1, first=FEW, last=FEW),
    bodies=BodySettings(hidden=(3,), states=20, optimiser=FEW),
)


@pytest.fixture(autouse=True)
def one_thread():
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


@pytest.mark.parametrize("task", SIMULATED.values(), ids=SIMULATED)
def test_batched_trajectories_are_the_oracles(task):
    x0 = task.starts(np.random.default_rng(0), 8)
    times = np.linspace(0, task.duration, task.points)
    found = trajectories(task, x0, times)
    expected = np.stack([reference_trajectory(PortHamiltonian(task.system), x, times) for x in x0])
    # H to 1e-11 leaves a phase error of a few 1e-9 at the end; close triples amplify it.
    np.testing.assert_allclose(found, expected, atol=1e-7 if task is THREE_BODY else 1e-8)


@pytest.mark.parametrize("task", SIMULATED.values(), ids=SIMULATED)
def test_data_have_the_protocols_shapes_noise_and_exact_derivatives(task):
    small = replace(task, trajectories=20)
    data, clean = make_data(small, seed=3), make_data(replace(small, noise=0.0), seed=3)
    k = small.training_trajectories
    assert data.x.shape == data.dx.shape == (k, task.points, 2 * task.system.n)
    assert data.test_x.shape == (20 - k, task.points, 2 * task.system.n)
    np.testing.assert_array_equal(data.dx, clean.dx)
    np.testing.assert_array_equal(clean.dx, symplectic_gradient(task.system.gradient(clean.x)))
    assert np.std(data.x - clean.x) == pytest.approx(task.noise, rel=0.1)  # 20 x 30 draws: 4 % at one sigma
    assert np.abs(make_data(small, seed=4).x - data.x).max() > 0.1


def test_starts_are_the_papers():
    rng = np.random.default_rng(0)
    radius = np.linalg.norm(PENDULUM.starts(rng, 1000), axis=-1)
    assert 1.3 <= radius.min() < 1.32
    assert 2.28 < radius.max() <= 2.3
    pair = TWO_BODY.starts(rng, 4000)
    np.testing.assert_array_equal(pair[:, [0, 1, 4, 5]], -pair[:, [2, 3, 6, 7]])
    r, v = np.linalg.norm(pair[:, :2], axis=-1), np.linalg.norm(pair[:, 4:6], axis=-1)
    noise = v * 2 * np.sqrt(r) - 1  # speed of the circular orbit of two unit masses: 1 / (2 sqrt(r))
    assert np.mean(noise) == pytest.approx(0, abs=0.004)
    assert np.std(noise) == pytest.approx(0.05, rel=0.05)


def test_three_bodies_without_noise_circle():
    x0 = near_circular_triple(np.random.default_rng(0), 1, smallest=1.0, largest=1.0, noise=0.0)[0]
    path = reference_trajectory(PortHamiltonian(THREE_BODY.system), x0, np.linspace(0, 3, 20))
    # The circle is an unstable orbit: rounding grows, but not to 1e-8 in half a turn.
    np.testing.assert_allclose(np.linalg.norm(path[:, :6].reshape(20, 3, 2), axis=-1), 1.0, atol=1e-8)


def test_the_papers_networks_are_plain():
    model = faithful_architecture("hnn", 2)
    arrays = initial_parameters(model, seed=0)
    assert [arrays[name].shape for name in ("energy.w0", "energy.w1", "energy.w2")] == [(200, 4), (200, 200), (1, 200)]
    assert "energy.b2" not in arrays
    x = np.random.default_rng(1).normal(size=(5, 4)).astype(np.float32)
    h = np.tanh(np.tanh(x @ arrays["energy.w0"].T + arrays["energy.b0"]) @ arrays["energy.w1"].T + arrays["energy.b1"])
    energy = (h @ arrays["energy.w2"].T)[:, 0]
    difference = model.build(arrays).hamiltonian.energy(x) - energy
    np.testing.assert_allclose(difference, difference[0], atol=1e-6)  # float32; H is free up to a constant
    base = faithful_architecture("baseline", 2)
    arrays = initial_parameters(base, seed=0)
    h = np.tanh(np.tanh(x @ arrays["field.w0"].T + arrays["field.b0"]) @ arrays["field.w1"].T + arrays["field.b1"])
    np.testing.assert_allclose(base.build(arrays).field(x), h @ arrays["field.w2"].T, atol=1e-6)


def test_following_together_is_integrating_one_by_one_as_the_paper_does():
    x0 = TWO_BODY.starts(np.random.default_rng(0), 3)
    times = np.linspace(0, 25, 50)
    dynamics = PortHamiltonian(TWO_BODY.system)
    together = follow(dynamics, x0, times)
    for x, path in zip(x0, together, strict=True):
        alone = solve_ivp(lambda _, y: dynamics.field(y), (0, 25), x, t_eval=times, rtol=1e-12, atol=1e-12)
        # RK45 and DOP853 at 1e-12 and 1e-11 a step over four turns.
        np.testing.assert_allclose(path, alone.y.T, atol=1e-7)


@pytest.mark.parametrize("task", [PENDULUM, TWO_BODY, THREE_BODY], ids=lambda task: task.name)
def test_the_truth_has_an_error_of_zero(task):
    x0 = task.starts(np.random.default_rng(0), 3)
    for score in (paper_score, corrected_score):
        found = score(task, PortHamiltonian(task.system), x0)
        assert found.energy == (0.0,) * 3
        assert found.coordinates == (0.0,) * 3


def test_the_springs_paper_protocol_stretches_time_and_the_corrected_one_does_not():
    x0 = SPRING.scoring_starts(np.random.default_rng(0), 2)
    truth = PortHamiltonian(SPRING.system)
    assert max(corrected_score(SPRING, truth, x0).coordinates) == 0
    stretched = paper_score(SPRING, truth, x0)
    assert min(stretched.coordinates) > 1e-2
    assert max(stretched.energy) < 1e-15  # the true H is conserved at any time


def test_the_pendulums_paper_protocol_sees_phase_and_the_corrected_one_energy():
    class Faster:
        def field(self, x, u=None):
            return 1.05 * PortHamiltonian(PENDULUM.system).field(x)

    x0 = PENDULUM.starts(np.random.default_rng(0), 2)
    assert min(paper_score(PENDULUM, Faster(), x0).energy) > 1e-3
    assert max(corrected_score(PENDULUM, Faster(), x0).energy) < 1e-15


def test_the_perturbed_truth_is_off_by_its_perturbation():
    x0 = SPRING.starts(np.random.default_rng(0), 4)
    score = perturbed_truth_score(SPRING, x0, size=1e-4, rng=np.random.default_rng(1))
    # On the spring a difference of size d stays one of size d: d^2 / 2 by entry.
    np.testing.assert_allclose(score.coordinates, 5e-9, rtol=1e-5)


def test_least_squares_solves_what_newton_cannot_start():
    def rosenbrock(parameters):
        x, y = parameters["x"], parameters["y"]
        return torch.cat([10 * (y - x * x), 1 - x])

    found = least_squares(rosenbrock, {"x": np.array([-1.2]), "y": np.array([1.0])})
    np.testing.assert_allclose([found["x"][0], found["y"][0]], [1.0, 1.0], atol=1e-6)


def test_least_squares_chunks_change_nothing():
    def residual(parameters):
        return torch.tanh(parameters["a"]) @ torch.arange(6.0, dtype=torch.float64).reshape(3, 2) - 1

    start = {"a": np.array([0.1, -0.2, 0.3])}
    whole = least_squares(residual, start)
    parts = least_squares(residual, start, settings=LeastSquaresSettings(chunk=2))
    np.testing.assert_allclose(whole["a"], parts["a"], rtol=1e-12)


def test_the_fit_finds_the_mass_from_noisy_states_and_exact_derivatives():
    data = make_data(replace(SPRING, trajectories=10), seed=0)
    settings = SmoothSettings(hidden=(6,), mirror=True, first=FEW, last=LeastSquaresSettings(steps=15))
    parameters = fit_smooth(smooth_architecture(data, angle=False, hidden=(6,)), data, settings)
    # Exact derivatives weigh 1 / (5e-3)^2: the mass 0.5 to some 1e-4 where the noise alone leaves 2 %.
    assert np.exp(parameters["inertia.log"][0]) == pytest.approx(0.5, abs=2e-3)


def test_the_pair_potential_is_found_from_exact_derivatives():
    data = make_data(replace(TWO_BODY, trajectories=40), seed=0)
    x, dx = data.x.reshape(-1, 8), data.dx.reshape(-1, 8)
    settings = BodySettings(hidden=(8,), states=300, optimiser=LeastSquaresSettings(steps=40))
    architecture = body_architecture(x, dx, hidden=settings.hidden)
    dynamics = architecture.build(fit_bodies(architecture, x, dx, settings))
    # A trial reached 1e-7; forces are of size 0.2.
    assert np.sqrt(np.mean((dynamics.field(data.test_x) - data.test_dx) ** 2)) < 1e-4


def test_the_floor_is_the_error_of_a_shifted_origin():
    floor = cramer_rao("spring", replace(TINY, corrected_starts=30))
    assert floor["standard_error_of_origin"] == pytest.approx(0.1 / np.sqrt(750))
    # From (q0, p0) the shifted circle's energy is q^2 + p^2 with q = c + ..., off by 2 c (q - q0): over time and
    # angles its mean square is 4 c^2 (r^2 / 2 + r^2 / 2), with r^2 of mean 0.37 for r uniform in [0.1, 1].
    assert floor["energy_mse_mean"] == pytest.approx(4 * 0.37 * 0.01 / 750, rel=0.4)  # 30 starts


def test_learned_on_three_run_on_seven():
    settings = ManyBodySettings(
        trajectories=10, bodies=7, steps=40, duration=0.1, fit=BodySettings(hidden=(4,), states=50, optimiser=FEW)
    )
    found = measure_many_bodies(settings, seed=0)
    assert found["bodies"] == 7
    assert found["relative_energy_drift_of_truth"] < 1e-9
    assert np.isfinite(found["relative_energy_drift"])


@pytest.mark.parametrize("kind", ["hnn", "baseline"])
def test_worlds_of_the_papers_networks_move_as_the_networks_do(kind):
    model = faithful_architecture(kind, 1)
    trained = Trained(model, initial_parameters(model, seed=0), 0.0, 0.0)
    world = world_of("pendulum", trained, card={})
    q, p = np.array([0.4]), np.array([0.6])
    dq, dv = world.state(world.dynamics.field(world.phase_point(q, p / 0.5)))
    expected = trained.dynamics.field(join(q, p))
    np.testing.assert_allclose([dq[0], dv[0] * 0.5], expected, rtol=1e-12)


@needs_recording
def test_the_recording_is_cut_as_the_paper_cuts_it():
    recording = load_recording(RECORDING)
    assert recording.x.shape == recording.dx.shape == (444, 2)
    assert recording.test_x.shape == recording.test_dx.shape == (111, 2)
    assert recording.test_time[0] > recording.time[-1]


@needs_recording
def test_the_real_pendulum_is_learned_with_friction():
    recording = load_recording(RECORDING)
    architecture, parameters = fit_real(recording, RealRunSettings().ours)
    assert isinstance(architecture, MechanicalHNN)
    assert 0.93 < np.exp(parameters["inertia.log"][0]) < 0.97
    assert real_score(architecture.build(parameters), recording)["energy_mse"] < 1e-3


def test_a_missing_recording_is_reported_before_anything_is_measured(tmp_path):
    settings = Settings(data=tmp_path / "nowhere.zip", out=tmp_path / "out.json", sizes=TINY)
    with pytest.raises(MissingPathError, match="Schmidt and Lipson"):
        main(settings)
    assert not (tmp_path / "out.json").exists()


def test_a_recording_of_something_else_is_refused(tmp_path):
    path = tmp_path / "other.txt"
    path.write_text("%x y\n" + "".join(f"0 {k / 6} 1 2\n" for k in range(20)))
    with pytest.raises(InputError, match="no single recording"):
        load_recording(path)


def test_a_foreign_results_file_is_refused(tmp_path):
    for content in ("{}", "[]", "not json", '{"format": "other", "measurements": {}}'):
        (tmp_path / "paper.json").write_text(content)
        with pytest.raises(InputError, match="does not hold results"):
            Results(tmp_path / "paper.json", command="python -m experiments.paper")


def test_a_stopped_command_resumes_where_it_was(tmp_path, monkeypatch):
    out = tmp_path / "paper.json"
    settings = Settings(
        tasks=("spring",), models=("hnn", "best"), seeds=(0,), out=out, worlds=tmp_path / "w", sizes=TINY
    )
    import experiments.paper.command as command

    def stop(*_, **__):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(command, "measure_cost", stop)
        with pytest.raises(KeyboardInterrupt):
            main(settings)
    done = Results(out, command="python -m experiments.paper").below("runs/spring/")
    assert list(done) == ["best/0", "hnn/0"]
    with monkeypatch.context() as patch:
        patch.setattr(command, "run", stop)
        main(settings)
    assert Results(out, command="python -m experiments.paper").below("runs/spring/") == done
    text = out.with_suffix(".md").read_text()
    assert "| spring | hnn | 3.8e-04 | 4.3e-04 |" in text
    assert "Cramer-Rao" in text
    assert (tmp_path / "w" / "spring" / "hnn" / "0").is_dir()


def test_bodies_run_end_to_end(tmp_path):
    settings = Settings(tasks=("two-body",), seeds=(0,), out=tmp_path / "paper.json", sizes=TINY)
    main(settings)
    results = Results(settings.out, command="python -m experiments.paper")
    assert results["runs/two-body/best/0"]["symmetries"]["momentum"] < 1e-10
    assert "two-body: faithful HNN" in settings.out.with_suffix(".md").read_text()
