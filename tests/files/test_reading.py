"""Errors of files that a library reads."""

from __future__ import annotations

import errno
import gzip
import os

import pytest

from hnn_gym.errors import InputError
from hnn_gym.files.reading import damage_of


def test_a_file_that_may_not_be_read_is_not_called_damaged() -> None:
    with pytest.raises(InputError, match=r"^log\.csv cannot be read: Permission denied\.$"), damage_of("log.csv"):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), "log.csv")


@pytest.mark.parametrize("error", [gzip.BadGzipFile("Not a gzipped file"), EOFError(), KeyError("rows")])
def test_what_a_library_cannot_read_is_called_damaged(error: Exception) -> None:
    with pytest.raises(InputError, match=r"^log\.csv\.gz is damaged: it cannot be read \("), damage_of("log.csv.gz"):
        raise error
