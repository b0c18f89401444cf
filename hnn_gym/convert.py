"""Make a dataset of logs, or a table or a Minari dataset of a dataset.

``python -m hnn_gym.convert log.csv --out data/arm.zarr --position q1 q2 --action tau1`` reads a log, and
``python -m hnn_gym.convert data/arm.zarr --out arm.parquet`` writes the dataset for other programs.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Annotated

import tyro

from hnn_gym import command
from hnn_gym.data import Episode, Provenance, StoreWriter, TransitionDataset
from hnn_gym.data.exchange.minari_datasets import read_minari, write_minari
from hnn_gym.data.exchange.parquet_files import is_dataset, read_parquet, write_parquet
from hnn_gym.data.excitation import excitation_faults
from hnn_gym.data.logs.convert import episodes_of_tables
from hnn_gym.data.logs.parquet import EPISODE_INDEX, is_lerobot
from hnn_gym.data.logs.roles import Roles, guess_roles
from hnn_gym.data.logs.settings import LogSettings
from hnn_gym.data.logs.table import column_names, read_table
from hnn_gym.errors import ExistingPathError, InputError, check_fields

_MINARI = "minari:"
"""What the id of a Minari dataset begins with, in the place of a file."""
_PARQUET = ".parquet"


@dataclass(frozen=True)
class ConvertSettings:
    """Make a dataset of logs of one machine, or write a dataset for other programs."""

    logs: Annotated[tuple[Path, ...], tyro.conf.Positional]
    """Files: .csv, .tsv or .txt, also with .gz, .npz or .parquet; or the folder of a LeRobot dataset. Each is one
    episode, or several where there are gaps. Or one dataset, which needs no roles: its folder, a Parquet file that this
    command wrote, or minari:ID, a Minari dataset of this machine."""
    out: Path
    """What to write: the folder of a dataset, FILE.parquet, or minari:ID for a Minari dataset."""
    time: str | None = None
    """Column of time stamps. None: the one whose name says so."""
    position: tuple[str, ...] | None = None
    """Columns of positions. None: those whose names say so."""
    velocity: tuple[str, ...] | None = None
    """Columns of velocities, one for each position; --velocity without names where they were not measured. None: those
    whose names say so."""
    action: tuple[str, ...] | None = None
    """Columns of actions; --action without names where nothing acts. None: those whose names say so."""
    episode: str | None = None
    """Column whose value changes where another episode begins. None: every file is an episode."""
    reading: Annotated[LogSettings, tyro.conf.arg(name="")] = field(default_factory=LogSettings)
    """How the columns are read."""
    overwrite: tyro.conf.FlagCreatePairsOff[bool] = False
    """Replace what is there."""

    def __post_init__(self) -> None:
        """Check that there is a log."""
        check_fields(self)
        if not self.logs:
            raise InputError("Name at least one log.")
        twice = next((log for number, log in enumerate(self.logs) if log in self.logs[:number]), None)
        if twice is not None:
            raise InputError(f"{twice} is named twice, and its rows would count twice: name every log once.")


def convert(settings: ConvertSettings) -> tuple[TransitionDataset, tuple[str, ...]]:
    """Write a dataset as the settings say, and return it.

    Everything is read and checked before anything is written.

    Returns:
        The dataset, and a sentence for everything that was guessed, assumed or left out.

    Raises:
        MissingPathError: there is no such file.
        ExistingPathError: the path exists, and ``overwrite`` is not set.
        InputError: a file cannot be read, columns are missing, or the numbers cannot be what they are said to be.
    """
    out, overwrite = settings.out, settings.overwrite
    if out.exists() and not overwrite:
        raise ExistingPathError(f"{out} exists already: give another --out, or --overwrite.")
    whole = [_dataset_at(path) for path in settings.logs]
    sentences: tuple[str, ...] = ()
    if whole == [None] * len(whole):
        dataset, sentences = _of_logs(settings)
    elif len(whole) == 1 and whole[0] is not None:
        dataset = whole[0]
    else:
        raise InputError("A dataset is converted alone: give one and nothing else.")
    if (minari_id := _minari_id(out)) is not None:
        write_minari(dataset, minari_id, overwrite=overwrite)
    elif out.suffix == _PARQUET:
        write_parquet(dataset, out, overwrite=overwrite)
    else:
        dataset = _stored(dataset, dataset.provenance, out, overwrite=overwrite)
    return dataset, sentences


def _minari_id(path: Path) -> str | None:
    return str(path).removeprefix(_MINARI) if str(path).startswith(_MINARI) else None


def _dataset_at(path: Path) -> TransitionDataset | None:
    """The dataset there; None where there is a log."""
    if (minari_id := _minari_id(path)) is not None:
        return read_minari(minari_id)
    if path.suffix == _PARQUET and is_dataset(path):
        return read_parquet(path)
    return TransitionDataset.open(path) if path.is_dir() and not is_lerobot(path) else None


def _of_logs(settings: ConvertSettings) -> tuple[TransitionDataset, tuple[str, ...]]:
    roles, guessed = _roles(settings)
    incomplete = settings.reading.skip_incomplete
    tables = [read_table(log, roles.names, incomplete=incomplete) for log in settings.logs]
    episodes, provenance, sentences = episodes_of_tables(tables, roles, settings.reading)
    return TransitionDataset.from_episodes(episodes, provenance), (*guessed, *sentences)


def _stored(episodes: Iterable[Episode], provenance: Provenance, folder: Path, *, overwrite: bool) -> TransitionDataset:
    writer = StoreWriter(folder, overwrite=overwrite, as_a_whole=True)  # the episodes may lie in this very folder
    try:
        for number, episode in enumerate(episodes):
            if number == 0:
                writer.begin(provenance, tuple(episode.arrays()))
            writer.write(episode)
        writer.publish()
    finally:
        writer.close()
    return TransitionDataset.open(folder)


def _roles(settings: ConvertSettings) -> tuple[Roles, tuple[str, ...]]:
    first, *others = settings.logs
    known = column_names(first)
    guess = partial(
        guess_roles,
        time=settings.time,
        position=settings.position,
        velocity=settings.velocity,
        action=settings.action,
        episode=settings.episode or (EPISODE_INDEX if is_lerobot(first) else None),
        has_time=settings.reading.dt is None,
    )
    roles, guessed = guess(known)
    for other in others:
        columns = column_names(other)
        missing = [name for name in roles.names if name in known and name not in columns]
        if missing:
            raise InputError(
                f"{other} has no column {missing[0]!r}, and {first} has: logs of one dataset have the same."
            )
        further = [name for name in guess(columns)[0].names if name not in known]
        if further:
            raise InputError(
                f"{other} has a column {further[0]!r}, and {first} has none: logs of one dataset have the same, or the "
                "columns to read are named (--time, --position, --velocity, --action)."
            )
    return roles, guessed


def main(settings: ConvertSettings) -> None:
    """Convert, and print what was guessed and assumed."""
    dataset, sentences = convert(settings)
    for sentence in sentences:
        print(sentence)
    for fault in excitation_faults(dataset):
        print(f"Warning: {fault}")
    count = dataset.num_episodes
    print(f"{settings.out}: {dataset.num_steps} steps in {count} episode{'s' if count != 1 else ''}")


if __name__ == "__main__":
    command.run(main, ConvertSettings, prog="python -m hnn_gym.convert")
