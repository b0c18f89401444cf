"""The gallery on tiny settings: every figure is drawn, and shows the measured values."""

import numpy as np
import pytest
import torch
from PIL import Image

from experiments.gallery.command import Settings, main
from experiments.gallery.scenes import scene_of
from experiments.gallery.subjects import Subject, simulated
from experiments.paper.bodies import BodySettings
from experiments.paper.real_pendulum import RealSettings
from experiments.paper.real_runs import RealRunSettings
from experiments.paper.runs import RunSettings, truths
from experiments.paper.tasks import SPRING, TWO_BODY
from hnn_gym.errors import InputError
from hnn_gym.physics.dynamics import PortHamiltonian
from hnn_gym.studies import Results
from hnn_gym.training.least_squares import LeastSquaresSettings

FEW = LeastSquaresSettings(steps=3)
TINY = RunSettings(
    steps=2,
    trajectories=10,
    corrected_starts=2,
    bodies=BodySettings(hidden=(3,), states=20, tries=1, first_steps=2, optimiser=FEW),
)
TINY_REAL = RealRunSettings(steps=2, ours=RealSettings(hidden=(3,), window=10, optimiser=LeastSquaresSettings(steps=8)))


@pytest.fixture(autouse=True)
def one_thread():
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


@pytest.fixture
def recording(tmp_path):
    """A made-up recording in the format of Schmidt and Lipson: a pendulum that swings and slows down."""
    time = np.arange(90) / 6
    angle = np.exp(-time / 60) * np.cos(1.5 * time)
    rows = [f"0 {t:.7f} {q:.5f} {v:.5f}" for t, q, v in zip(time, angle, np.gradient(angle, time), strict=True)]
    path = tmp_path / "real_pend_h_1.txt"
    path.write_text("\n".join(["%o v", *rows]) + "\n")
    return path


def test_every_figure_of_every_kind_is_drawn_and_the_numbers_of_other_tasks_stay(tmp_path, recording):
    Results(tmp_path / "figures.json", command="python -m experiments.gallery")["spring"] = {"seed": 0}
    tasks = ("spring", "real-pendulum", "two-body", "bump", "shipped")  # the spring has been drawn
    main(Settings(tasks=tasks, out=tmp_path, data=recording, frames=3, sizes=TINY, real=TINY_REAL))
    assert {path.name for path in tmp_path.iterdir()} == {
        recording.name,
        "real-pendulum-fields.png",
        "real-pendulum-motion.png",
        "real-pendulum.gif",
        "two-body-orbits.png",
        "two-body.gif",
        "shipped.gif",
        "shipped-dark.gif",
        "energy-bump.png",
        "figures.json",
    }
    for path in tmp_path.glob("*.gif"):
        with Image.open(path) as film:
            assert film.n_frames == 3
            assert film.convert("RGB").getpixel((0, 0)) == ((23, 28, 36) if "dark" in path.name else (255, 255, 255))
    assert all(path.stat().st_size < 200_000 for path in tmp_path.glob("*.png"))
    kept = Results(tmp_path / "figures.json", command="python -m experiments.gallery").below("")
    assert set(kept) == {"spring", "real-pendulum", "two-body", "bump", "shipped"}
    assert set(kept["two-body"]) == {"seed", "baseline", "HNN", "ours"}


def test_a_missing_recording_foreign_numbers_and_a_missing_folder_are_reported_before_any_training(tmp_path):
    with pytest.raises(InputError, match="give --data"):
        main(Settings(out=tmp_path / "new"))
    assert not (tmp_path / "new").exists()
    (tmp_path / "figures.json").write_text("[]")
    with pytest.raises(InputError, match="does not hold results of"):
        main(Settings(tasks=("spring",), out=tmp_path))
    with pytest.raises(InputError, match="cannot hold the figures"):
        main(Settings(tasks=("spring",), out=tmp_path / "figures.json"))


def test_the_start_is_the_first_that_the_corrected_protocol_scores():
    subject = simulated("two-body", seed=0, sizes=TINY)
    (x0, _), _ = truths("two-body", TINY.corrected_starts)
    for path in subject.paths.values():
        np.testing.assert_array_equal(path[0], x0[0])
    assert subject.time[-1] == TWO_BODY.horizon


def test_the_truth_in_place_of_a_model_has_no_error():
    (_, true), _ = truths("spring", 2)
    time = np.linspace(0, SPRING.horizon, SPRING.scored_points)
    dynamics = {"ours": PortHamiltonian(SPRING.system)}
    paths = {"truth": true[0], "ours": true[0]}
    figures = Subject("spring", time, paths, SPRING.system.energy, dynamics, (true[0], true[0])).figures()["ours"]
    assert figures.pop("energy_of_truth_at_start") == SPRING.system.energy(true[0, 0])
    assert set(figures.values()) == {0.0}


def test_a_pendulum_hangs_at_zero_and_a_spring_ends_at_its_block():
    down = np.zeros(1)
    np.testing.assert_array_equal(scene_of("pendulum", half_width=1.0).places(down), [[0.0, -1.0]])
    spring = scene_of("spring", half_width=1.0)
    block, coil = spring.places(np.array([0.7])), spring.link(np.array([0.7]))
    assert block[0, 0] == 0.7
    assert 0 < block[0, 0] - coil[-1, 0] < 0.3
