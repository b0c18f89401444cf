"""A user's function by its name: found in the working directory, identified by its file, refused in one sentence."""

import hashlib
import sys

import pytest

from hnn_gym.command.named_function import function_identity, named_function
from hnn_gym.errors import InputError

SOURCE = "number = 3\n\ndef double(x):\n    return 2 * x\n"


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A working directory with a good module and a broken one, which Python does not search by itself."""
    (tmp_path / "own_functions.py").write_text(SOURCE)
    (tmp_path / "own_mistake.py").write_text("1 / 0\n")
    (tmp_path / "own_missing.py").write_text("import not_there_at_all\n")
    monkeypatch.setattr(sys, "path", [entry for entry in sys.path if entry not in ("", str(tmp_path))])
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    monkeypatch.chdir(tmp_path)
    yield tmp_path
    sys.modules.pop("own_functions", None)


def found(name):
    return named_function(name, option="--double", arguments="x")


def test_a_function_in_the_working_directory_is_found_and_the_search_path_stays(folder):
    before = list(sys.path)
    assert found("own_functions:double")(4) == 8
    assert sys.path == before


def test_a_function_is_identified_by_its_name_and_its_file(folder):
    found("own_functions:double")
    expected = {"function": "own_functions:double", "sha256": hashlib.sha256(SOURCE.encode()).hexdigest()}
    assert function_identity("own_functions:double") == expected
    found("sys:getrecursionlimit")  # built in, so that there is no file
    assert function_identity("sys:getrecursionlimit")["sha256"] is None


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("own_functions", r"--double must be module:function, such as mine:f for f\(x\) in mine.py, not 'own_func"),
        ("own_functions.py:double", "must be module:function"),
        ("a:b:c", "must be module:function"),
        ("", "must be module:function"),
        (
            "nowhere_at_all:f",
            "there is no module 'nowhere_at_all' in .*: run the command in the folder that contains it",
        ),
        ("own_missing:f", r"'own_missing' cannot be imported \(ModuleNotFoundError: .*not_there_at_all"),
        ("own_mistake:f", r"'own_mistake' cannot be imported \(ZeroDivisionError"),
        ("own_functions:triple", "has no 'triple'"),
        ("own_functions:number", r"is 3: it must be a function f\(x\)"),
    ],
)
def test_a_name_that_names_no_function_is_refused_in_one_sentence(folder, name, message):
    with pytest.raises(InputError, match=message):
        found(name)
