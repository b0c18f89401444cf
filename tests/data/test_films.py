"""Films from elsewhere become datasets, and what cannot be one is refused by the number of the frame."""

import os
import sys
import warnings

import imageio.v3
import numpy as np
import pytest

from hnn_gym.data import FrameRule, TransitionDataset
from hnn_gym.errors import InputError, MissingPathError
from hnn_gym.models.pixel import Bodies
from hnn_gym.training.pixel_settings import PixelSettings
from hnn_gym.training.pixels import train_pixel_world

SIZE = 32


def balls(steps=80):
    """Two balls on springs at the middle, at different amplitudes; uint8 ``(T + 1, 32, 32, 3)`` at 20 a second."""
    t = 0.05 * np.arange(steps + 1)
    fine = (np.arange(4 * SIZE) + 0.5) / 4
    frames = np.full((len(t), 4 * SIZE, 4 * SIZE, 3), 255, np.uint8)
    for reach, phase, colour in ((9, 0.0, (200, 60, 60)), (8, np.pi, (50, 110, 190))):
        row = 16 + reach * np.sin(2 * t + phase)[:, None, None]
        column = 16 + reach * np.cos(2 * t + phase)[:, None, None]
        frames[(fine[:, None] - row) ** 2 + (fine - column) ** 2 < 4] = colour
    return frames.reshape(-1, SIZE, 4, SIZE, 4, 3).mean(axis=(2, 4)).astype(np.uint8)


def test_a_folder_of_pictures_a_gif_and_an_array_are_the_same_film(tmp_path):
    film = balls(5)
    folder = tmp_path / "film"
    folder.mkdir()
    for number, frame in enumerate(film):
        imageio.v3.imwrite(folder / f"{number:03d}.png", frame)
    imageio.v3.imwrite(tmp_path / "film.gif", film, duration=50, loop=0)
    for source in (folder, film):
        data = TransitionDataset.from_films([source], dt=0.05)
        np.testing.assert_array_equal(data.frames()[0], film)
    data = TransitionDataset.from_films([tmp_path / "film.gif"])
    assert data.provenance.dt == pytest.approx(0.05)
    assert np.abs(data.frames()[0].astype(int) - film).mean() < 3  # a palette of 256 colours
    small = TransitionDataset.from_films([film], dt=0.05, rule=FrameRule(16))
    assert small.frames()[0].shape == (6, 16, 16, 3)


def test_an_mp4_is_read_with_its_rate_and_refused_where_the_rate_changes(tmp_path):
    av = pytest.importorskip("av", reason="the extra films is not installed")
    film = balls(8)

    def written(name, frames, ticks):
        with av.open(str(tmp_path / name), "w") as container:
            stream = container.add_stream("mpeg4", rate=20)
            stream.width = stream.height = frames.shape[1]
            stream.bit_rate = 4_000_000
            for picture, tick in zip(frames, ticks, strict=True):
                shown = av.VideoFrame.from_ndarray(picture, format="rgb24")
                shown.pts = tick
                container.mux(stream.encode(shown))
            container.mux(stream.encode())
        return tmp_path / name

    data = TransitionDataset.from_films([written("film.mp4", film, range(9))])
    assert data.provenance.dt == pytest.approx(0.05)
    lost = np.abs(data.frames()[0].astype(int)[:, None] - film).mean((2, 3, 4))  # the codec is lossy
    np.testing.assert_array_equal(lost.argmin(1), range(9))
    with pytest.raises(InputError, match=r"Frame 5 of .* lasts 0.1 s, and that before it 0.05 s"):
        TransitionDataset.from_films([written("uneven.mp4", film, [0, 1, 2, 3, 4, 5, 7, 9, 11])])
    with pytest.raises(InputError, match=r"10 frames a second, and the films before 20"):
        TransitionDataset.from_films([tmp_path / "film.mp4", written("slow.mp4", film, range(0, 18, 2))], dt=1.0)
    (tmp_path / "text.mp4").write_text("no film")
    with pytest.raises(InputError, match=r"text\.mp4 is damaged: it cannot be read \(.*Invalid data"):
        TransitionDataset.from_films([tmp_path / "text.mp4"])


def test_an_mp4_without_pyav_names_the_extra(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "av", None)
    (tmp_path / "film.mp4").write_bytes(b"film")
    with pytest.raises(InputError, match=r'pip install "hnn-gym\[films\]"'):
        TransitionDataset.from_films([tmp_path / "film.mp4"])


def test_films_that_cannot_be_one_dataset_are_refused(tmp_path):
    film = balls(4)
    with pytest.raises(InputError, match="give dt"):
        TransitionDataset.from_films([film])
    with pytest.raises(InputError, match=r"film 1 has frames of shape \(16, 16, 3\)"):
        TransitionDataset.from_films([film, film[:, ::2, ::2]], dt=0.05)
    with pytest.raises(InputError, match="at least two"):
        TransitionDataset.from_films([film[:1]], dt=0.05)
    with pytest.raises(MissingPathError, match="no film at"):
        TransitionDataset.from_films([tmp_path / "nothing.gif"], dt=0.05)
    folder = tmp_path / "film"
    folder.mkdir()
    with pytest.raises(InputError, match="holds no pictures"):
        TransitionDataset.from_films([folder], dt=0.05)
    imageio.v3.imwrite(folder / "0.png", film[0])
    imageio.v3.imwrite(folder / "1.png", film[1, :20])
    with pytest.raises(InputError, match=r"Frame 1 of .* has the shape \(20, 32, 3\)"):
        TransitionDataset.from_films([folder], dt=0.05)
    (tmp_path / "text.gif").write_text("no film")
    with pytest.raises(InputError, match=r"text\.gif is damaged: it cannot be read \(cannot identify"):
        TransitionDataset.from_films([tmp_path / "text.gif"], dt=0.05)
    imageio.v3.imwrite(tmp_path / "uneven.gif", film, duration=[50, 50, 200, 50, 50], loop=0)
    with pytest.raises(InputError, match=r"Frame 2 of .* lasts 0.2 s"):
        TransitionDataset.from_films([tmp_path / "uneven.gif"])


@pytest.mark.parametrize("name", ["film.gif", "film.mp4", "pictures/0.png"])
def test_a_pipe_in_place_of_a_film_is_refused_and_not_waited_for(tmp_path, name):
    if name.endswith("mp4"):
        pytest.importorskip("av")
    (tmp_path / "pictures").mkdir()
    os.mkfifo(tmp_path / name)
    film = tmp_path / name if "." in name.split("/")[0] else tmp_path / "pictures"
    with pytest.raises(InputError, match="is not a regular file"):
        TransitionDataset.from_films([film], dt=0.05)


def test_a_picture_that_claims_more_pixels_than_any_film_has_is_refused_before_it_is_decoded(tmp_path):
    imageio.v3.imwrite(tmp_path / "film.gif", balls(4), duration=50, loop=0)
    data = bytearray((tmp_path / "film.gif").read_bytes())
    data[6:10] = b"\x28\x23\x28\x23"
    (tmp_path / "film.gif").write_bytes(data)
    with pytest.raises(InputError, match="9000 x 9000 pixels"):
        TransitionDataset.from_films([tmp_path / "film.gif"])


def test_a_film_of_balls_is_learned_without_a_word_about_its_source():
    data = TransitionDataset.from_films([balls()], dt=0.05)
    quick = PixelSettings(horizons=(10,), steps=3, adam_steps=10, reward_steps=1, reward_hidden=(2,))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # so short a fit may not predict well
        seen = train_pixel_world(data, scene=Bodies(2), options={"hidden": (3,)}, settings=quick)
    assert seen.world.coordinates.n == 4
    assert not seen.world.coordinates.controls
    assert seen.about["figures"]["frames_minus_dynamics_rms"] < 0.05 * 2 / SIZE * 2
