"""Figures show the measured values, and change no global settings."""

from __future__ import annotations

from pathlib import Path

import matplotlib
import numpy as np
import pytest
from matplotlib._pylab_helpers import Gcf
from matplotlib.axes import Axes

from hnn_gym.evaluation.metrics import Unforced, unforced
from hnn_gym.evaluation.plots import energy_over_time, phase_portrait, save, save_dark_twin
from hnn_gym.systems import true_world

TRUTH = true_world("Pendulum-v1")
NAMES = ("real", "HNN", "baseline")


@pytest.fixture(scope="module")
def motion() -> Unforced:
    return unforced(TRUTH, TRUTH, np.array([2.0]), np.array([0.0]), steps=200)


def _line(ax: Axes, label: str) -> tuple[np.ndarray, np.ndarray]:
    (line,) = [line for line in ax.lines if line.get_label() == label]
    return np.asarray(line.get_xdata()), np.asarray(line.get_ydata())


def test_the_energies_drawn_are_the_measured_ones_against_time(motion: Unforced) -> None:
    learned = motion.true_energy + 1
    left, right = energy_over_time(dict.fromkeys(NAMES, motion), dt=TRUTH.dt, learned=learned).axes
    time, energy = _line(left, "HNN")
    np.testing.assert_allclose(energy, motion.true_energy[: len(time)])
    np.testing.assert_allclose(time, TRUTH.dt * np.arange(len(time)))
    np.testing.assert_allclose(_line(left, "HNN, by its learned H")[1], learned[: len(time)])
    time, change = _line(right, "baseline")
    assert len(time) == 201
    assert change[-1] == pytest.approx(motion.largest_change)
    assert (np.diff(change) >= 0).all()


def test_the_portrait_shows_the_data_and_every_motion_over_the_full_circle(motion: Unforced) -> None:
    recorded = np.array([[-1.0], [4.0]]), np.array([[0.5], [-7.0]])
    ax = phase_portrait(TRUTH, TRUTH, recorded, dict.fromkeys(NAMES, motion)).axes[0]
    assert ax.get_xlim() == pytest.approx((0, 2 * np.pi))
    assert ax.get_ylim() == (-8, 8)
    angle, speed = _line(ax, "recorded")
    np.testing.assert_allclose(angle.ravel(), [2 * np.pi - 1, 4])
    np.testing.assert_allclose(speed.ravel(), [0.5, -7])
    assert {f"{name}, unforced" for name in NAMES} <= {line.get_label() for line in ax.lines}
    assert sum(len(line.get_xdata()) == 201 for line in ax.lines) == 3


def test_a_motion_that_blew_up_spoils_no_figure(motion: Unforced, tmp_path: Path) -> None:
    broken = [array.copy() for array in (motion.q, motion.v, motion.true_energy)]
    for array in broken:
        array[50:], array[100:] = np.inf, np.nan
    motions = {"real": motion, "HNN": motion, "baseline": Unforced(*broken)}
    energies = energy_over_time(motions, dt=TRUTH.dt)
    save(energies, tmp_path / "energy.png")
    assert energies.axes[1].get_ylim()[1] < 2 * motion.largest_change
    save(phase_portrait(TRUTH, TRUTH, (motion.q, motion.v), motions), tmp_path / "portrait.png")


def test_drawing_changes_no_setting_and_leaves_no_figure_with_pyplot(motion: Unforced) -> None:
    before = dict(matplotlib.rcParams)
    energy_over_time({"real": motion}, dt=TRUTH.dt)
    phase_portrait(TRUTH, TRUTH, (motion.q, motion.v), {"real": motion})
    assert dict(matplotlib.rcParams) == before
    assert not Gcf.figs  # where pyplot keeps the figures it made


def test_the_dark_twin_turns_lightness_round_and_keeps_hues(tmp_path):
    from PIL import Image

    colours = np.array([[0, 0, 0], [255, 255, 255], [0, 114, 178], [213, 94, 0]], np.uint8)
    Image.fromarray(colours[None]).save(tmp_path / "white.png")
    save_dark_twin(tmp_path / "white.png", tmp_path / "dark.png")
    ink, paper, blue, orange = np.asarray(Image.open(tmp_path / "dark.png").convert("RGB"))[0].astype(int)
    np.testing.assert_array_equal([ink, paper], [(232, 236, 242), (23, 28, 36)])
    assert blue[2] > blue[1] > blue[0] > paper[0]
    assert orange[0] > orange[1] > orange[2] > paper[2]
    film = [Image.fromarray(np.full((4, 4, 3), shade, np.uint8)) for shade in (0, 255)]
    film[0].save(tmp_path / "white.gif", save_all=True, append_images=film[1:], duration=80, loop=0)
    save_dark_twin(tmp_path / "white.gif", tmp_path / "dark.gif")
    with Image.open(tmp_path / "dark.gif") as twin:
        assert (twin.n_frames, twin.info["duration"]) == (2, 80)
