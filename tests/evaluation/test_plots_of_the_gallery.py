"""The gallery's figures show the given data, in the order and the colours of the worlds."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.colors import to_hex

from hnn_gym.evaluation.plots import COLOURS, Names, Scene, film, four_columns, orbits, vector_fields

NAMES = Names("q (m)", "p (kg m/s)")
TIME = np.linspace(0, 2, 41)
TRUE = np.stack([np.cos(TIME), -np.sin(TIME)], axis=-1)
PATHS = {"truth": TRUE, "baseline": 0.9 * TRUE, "HNN": 1.1 * TRUE, "ours": TRUE + 1e-3}


def _drawn(ax: Axes, colour: str) -> list[np.ndarray]:
    """Points of all lines of a world's colour."""
    return [np.asarray(line.get_xydata()) for line in ax.lines if to_hex(line.get_color()).upper() == colour]


def test_four_columns_show_paths_errors_and_both_energies() -> None:
    learned = {name: 2 + (path**2).sum(-1) for name, path in PATHS.items()}
    energy = {name: (path**2).sum(-1) for name, path in PATHS.items()}
    plane, error, quantity, true = four_columns(TIME, PATHS, learned, energy, names=NAMES).axes
    (path,) = _drawn(plane, COLOURS["HNN"])
    np.testing.assert_array_equal(path, PATHS["HNN"])
    assert plane.get_aspect() == 1
    (squares,) = _drawn(error, COLOURS["baseline"])
    np.testing.assert_allclose(squares[:, 1], 0.005)  # (0.1 cos)^2 and (0.1 sin)^2 have the mean 0.01 / 2
    assert squares[0, 0] > 0  # at the start all errors are 0, which has no logarithm
    (change,) = _drawn(quantity, COLOURS["HNN"])
    np.testing.assert_allclose(change, np.stack([TIME, learned["HNN"] - learned["truth"][0]], axis=-1))
    (drawn,) = _drawn(true, COLOURS["ours"])
    np.testing.assert_array_equal(drawn[:, 1], energy["ours"])


def test_vector_fields_show_the_data_and_then_one_model_a_plane() -> None:
    side = np.linspace(-1.5, 1.5, 5)
    grid = np.stack(np.meshgrid(side, side), axis=-1)
    fields = {name: factor * grid for factor, name in enumerate(("baseline", "HNN", "ours"), start=1)}
    data, *planes = vector_fields((TRUE, -TRUE), grid, fields, PATHS, names=NAMES).axes
    np.testing.assert_array_equal(data.lines[0].get_xydata(), TRUE)
    for name, ax in zip(fields, planes, strict=True):
        (arrows,) = ax.collections
        np.testing.assert_array_equal(arrows.U, fields[name][..., 0].ravel())
        np.testing.assert_array_equal(_drawn(ax, COLOURS[name])[0], PATHS[name])
        assert ax.get_title() == name
        assert ax.get_xlim() == ax.get_ylim() == (-1.5, 1.5)


def test_orbits_show_bodies_above_and_kinetic_plus_potential_below() -> None:
    places = {name: np.stack([path, -path], axis=1) for name, path in PATHS.items() if name != "HNN"}
    kinetic = {name: 1 + TIME for name in places}
    potential = {name: -TIME for name in places}
    axes = orbits(TIME, places, kinetic, potential, half_width=2.0).axes
    above, below = axes[:3], axes[3:]
    assert [ax.get_title() for ax in above] == ["truth", "baseline", "ours"]
    assert any(np.array_equal(line.get_xydata(), places["ours"][:, 1]) for line in above[2].lines)
    np.testing.assert_allclose(_drawn(below[1], COLOURS["baseline"])[0], np.stack([TIME, np.ones(41)], axis=-1))


@pytest.mark.parametrize("link", [None, lambda q: np.array([[0.0, 0.0], [q[0], 0.0]])])
def test_a_film_has_a_frame_for_each_moment_and_they_differ(link) -> None:
    scene = Scene(places=lambda q: np.array([[q[0], 0.0]]), link=link, half_width=1.5, trail=3)
    positions = {"truth": np.array([[0.0], [0.5], [1.0]]), "HNN": np.array([[0.0], [-0.5], [-1.0]])}
    energy = {name: np.array([1.0, 1.1, 1.2]) for name in positions}
    frames = list(film(scene, np.arange(3.0), positions, energy))
    assert len(frames) == 3
    assert {frame.shape for frame in frames} == {frames[0].shape}
    assert frames[0].shape[1:] == (720, 3)
    assert frames[0].dtype == np.uint8
    assert all((one != other).any() for one, other in pairwise(frames))


def test_a_film_of_a_constant_energy_can_be_drawn() -> None:
    scene = Scene(places=lambda q: np.array([[q[0], 0.0]]))
    for energy in (0.0, -2.0):
        still = {"truth": np.zeros((2, 1))}, {"truth": np.full(2, energy)}
        assert len(list(film(scene, np.arange(2.0), *still))) == 2  # and no warning, which would be an error here
