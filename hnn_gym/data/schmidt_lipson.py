"""Reader of the recorded and simulated motions of Schmidt and Lipson: rows of (trial, t, coordinates...).

Source: M. Schmidt, H. Lipson, "Distilling Free-Form Natural Laws from Experimental Data", *Science* 324 (2009)
81-85, supplementary data ``invar_datasets.zip``. The data are not part of this package: the user has them.
"""

from __future__ import annotations

import os
import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from hnn_gym.errors import InputError, MissingPathError

SOURCE = (
    "The data are the supplementary file invar_datasets.zip of Schmidt and Lipson, 'Distilling Free-Form Natural "
    "Laws from Experimental Data', Science 324 (2009) 81-85, doi:10.1126/science.1165893: download it from the "
    "article's page and give its path, or that of one unpacked .txt file."
)
"""Where the data come from, for error messages."""


@dataclass(frozen=True)
class Motion:
    """One recorded motion.

    Attributes:
        names: of the coordinates, such as ("o", "v") for an angle in rad and its velocity in rad/s.
        trial: number of the trial of every row ``(k,)``.
        time: in s ``(k,)``, increasing within a trial; steps differ where frames were dropped.
        state: coordinates ``(k, len(names))``.
    """

    names: tuple[str, ...]
    trial: np.ndarray
    time: np.ndarray
    state: np.ndarray


def read_schmidt_lipson(path: str | os.PathLike[str], member: str = "real_pend_h_1") -> Motion:
    """Read one motion.

    Args:
        path: of ``invar_datasets.zip``, or of one ``.txt`` file of it.
        member: which motion of a zip, such as "real_pend_h_1" or "pendulum_h_1"; not used for a .txt file.

    Raises:
        MissingPathError: there is nothing at ``path``, or no such member; the message says where the data come from.
        InputError: the file is something else, damaged, or its times do not increase.
    """
    file = Path(path)
    if not file.is_file():
        raise MissingPathError(f"There is no file {file}. {SOURCE}")
    if zipfile.is_zipfile(file):
        with zipfile.ZipFile(file) as content:
            found = [name for name in content.namelist() if Path(name).name == f"{member}.txt"]
            if not found:
                have = ", ".join(sorted(Path(name).stem for name in content.namelist())) or "nothing"
                raise MissingPathError(f"{file} holds no {member}.txt, but {have}. {SOURCE}")
            try:
                raw = content.read(found[0])
            except (zipfile.BadZipFile, OSError, EOFError) as error:
                raise InputError(
                    f"{found[0]} in {file} cannot be read ({error}): download it again. {SOURCE}"
                ) from None
            label = f"{found[0]} of {file}"
    else:
        raw, label = file.read_bytes(), str(file)
    return _parse(raw, label)


def _parse(raw: bytes, label: str) -> Motion:
    try:
        lines = raw.decode("ascii").splitlines()
    except UnicodeDecodeError:
        raise InputError(f"{label} is neither a zip nor text. {SOURCE}") from None
    if not lines or not lines[0].startswith("%") or not lines[0][1:].split():
        raise InputError(f"{label} does not begin with a line of names such as '%o v'. {SOURCE}")
    names = tuple(lines[0][1:].split())
    try:
        rows = np.array([[float(entry) for entry in line.split()] for line in lines[1:] if line.strip()])
    except ValueError as error:
        raise InputError(f"{label} has rows that are not numbers, or not of one length ({error}). {SOURCE}") from None
    if rows.ndim != 2 or rows.shape[0] < 2 or rows.shape[1] < 2 + len(names):
        raise InputError(f"{label} should have rows of trial, t and {len(names)} coordinates, and has {rows.shape}.")
    if not np.isfinite(rows).all():
        raise InputError(f"{label} holds numbers that are not finite: download it again. {SOURCE}")
    trial, time, state = rows[:, 0], rows[:, 1], rows[:, 2 : 2 + len(names)]
    if not (np.diff(time)[np.diff(trial) == 0] > 0).all():
        raise InputError(f"{label} has times that do not increase within a trial. {SOURCE}")
    return Motion(names=names, trial=trial.astype(int), time=time, state=state)
