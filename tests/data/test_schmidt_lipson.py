"""The reader of Schmidt and Lipson's motions: its data, and its errors for other files."""

import zipfile
from pathlib import Path

import numpy as np
import pytest

from hnn_gym.data.schmidt_lipson import read_schmidt_lipson
from hnn_gym.errors import InputError, MissingPathError

ROOT = Path(__file__).parents[2]
DATA = ROOT / ".." / "shared" / "data" / "invar_datasets.zip"
ROWS = "%o v\r\n 0.0 5.0 1.0 0.5 9.9\r\n 0.0 5.5 1.25 0.25 9.9\r\n 1.0 0.0 0.5 0.0 9.9\r\n"


@pytest.fixture
def text(tmp_path):
    path = tmp_path / "real_pend_h_1.txt"
    path.write_text(ROWS)
    return path


def test_rows_are_trial_time_and_the_named_coordinates(text):
    motion = read_schmidt_lipson(text)
    assert motion.names == ("o", "v")
    np.testing.assert_array_equal(motion.trial, [0, 0, 1])
    np.testing.assert_array_equal(motion.time, [5.0, 5.5, 0.0])
    np.testing.assert_array_equal(motion.state, [[1.0, 0.5], [1.25, 0.25], [0.5, 0.0]])


def test_a_member_of_a_zip_reads_as_the_file_alone(text, tmp_path):
    with zipfile.ZipFile(tmp_path / "all.zip", "w") as content:
        content.write(text, "folder/real_pend_h_1.txt")
    inside, alone = read_schmidt_lipson(tmp_path / "all.zip"), read_schmidt_lipson(text)
    np.testing.assert_array_equal(inside.state, alone.state)


def test_the_error_for_a_missing_file_says_where_to_get_it(tmp_path):
    with pytest.raises(MissingPathError, match=r"no file .*invar_datasets\.zip of Schmidt and Lipson.*Science 324"):
        read_schmidt_lipson(tmp_path / "nowhere.zip")


def test_the_error_for_a_zip_without_the_member_lists_its_contents(tmp_path):
    with zipfile.ZipFile(tmp_path / "other.zip", "w") as content:
        content.writestr("photos.txt", "none")
    with pytest.raises(MissingPathError, match=r"holds no real_pend_h_1\.txt, but photos"):
        read_schmidt_lipson(tmp_path / "other.zip")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"\x89PNG\r\n\x1a\n\xff\xfe", "neither a zip nor text"),
        (b"", "does not begin with a line of names"),
        (b"t,o,v\n1,2,3\n", "does not begin with a line of names"),
        (b"%o v\n0 1 2 three\n0 2 2 3\n", "not numbers"),
        (b"%o v\n0 1 2 3\n0 2 2\n", "not of one length"),
        (b"%o v\n0 1 2\n0 2 2\n", "trial, t and 2 coordinates"),
        (b"%o v\n0 1 2 3\n", "trial, t and 2 coordinates"),
        (b"%o v\n0 1 2 nan\n0 2 2 3\n", "not finite"),
        (b"%o v\n0 2 2 3\n0 1 2 3\n", "do not increase"),
    ],
)
def test_another_file_is_refused_by_name(content, words, tmp_path):
    path = tmp_path / "file.txt"
    path.write_bytes(content)
    with pytest.raises(InputError, match=words) as caught:
        read_schmidt_lipson(path)
    assert "file.txt" in str(caught.value)


def test_a_damaged_zip_is_refused(text, tmp_path):
    path = tmp_path / "all.zip"
    with zipfile.ZipFile(path, "w") as content:
        content.write(text, "real_pend_h_1.txt")
    raw = path.read_bytes()
    path.write_bytes(raw.replace(b"5.5", b"7.5"))  # stored, not compressed: the checksum no longer fits
    with pytest.raises(InputError, match="cannot be read"):
        read_schmidt_lipson(path)


@pytest.mark.skipif(not DATA.is_file(), reason="the data of Schmidt and Lipson are the user's: not at ../shared/data")
def test_the_real_pendulum_has_556_rows_on_a_grid_with_gaps():
    motion = read_schmidt_lipson(DATA)
    assert motion.state.shape == (556, 2)
    steps = np.diff(motion.time) * 6
    np.testing.assert_allclose(steps, np.rint(steps), atol=1e-9)
    assert sorted(set(np.rint(steps))) == [1, 2, 3]
