"""Make a dataset of logs: ``python -m hnn_gym.convert log.csv --out data/arm.zarr --position q1 q2 --action tau1``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

import tyro

from hnn_gym import command
from hnn_gym.data import Episode, Provenance, StoreWriter, TransitionDataset
from hnn_gym.data.exchange.minari_datasets import read_minari
from hnn_gym.data.excitation import excitation_faults
from hnn_gym.data.logs.convert import episodes_of_tables
from hnn_gym.data.logs.parquet import EPISODE_INDEX, is_lerobot
from hnn_gym.data.logs.roles import Roles, guess_roles
from hnn_gym.data.logs.settings import LogSettings
from hnn_gym.data.logs.table import column_names, read_table
from hnn_gym.errors import ExistingPathError, InputError

_MINARI = "minari:"
"""What the id of a Minari dataset begins with, in the place of a file."""


@dataclass(frozen=True)
class ConvertSettings:
    """Make a dataset of logs of one machine."""

    logs: Annotated[tuple[Path, ...], tyro.conf.Positional]
    """Files: .csv, .tsv or .txt, also with .gz, .npz or .parquet; the folder of a LeRobot dataset; or minari:ID, a
    Minari dataset of this machine, which needs no roles. Each is an episode, or several where there are gaps."""
    out: Path
    """Folder of the dataset."""
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
    """Replace an existing dataset."""

    def __post_init__(self) -> None:
        """Check that there is a log."""
        if not self.logs:
            raise InputError("Name at least one log.")


def convert(settings: ConvertSettings) -> tuple[TransitionDataset, tuple[str, ...]]:
    """Make a dataset on disk as the settings say, and open it.

    Everything is read and checked before anything is written.

    Returns:
        The dataset, and a sentence for everything that was guessed, assumed or left out.

    Raises:
        MissingPathError: there is no such file.
        ExistingPathError: the path exists, and ``overwrite`` is not set.
        InputError: a file cannot be read, columns are missing, or the numbers cannot be what they are said to be.
    """
    if settings.out.exists() and not settings.overwrite:
        raise ExistingPathError(f"{settings.out} exists already: give another --out, or --overwrite.")
    if any(str(log).startswith(_MINARI) for log in settings.logs):
        return _of_minari(settings), ()
    roles, guessed = _roles(settings)
    incomplete = settings.reading.skip_incomplete
    tables = [read_table(log, roles.names, incomplete=incomplete) for log in settings.logs]
    episodes, provenance, sentences = episodes_of_tables(tables, roles, settings.reading)
    return _written(settings, episodes, provenance), (*guessed, *sentences)


def _written(settings: ConvertSettings, episodes: Sequence[Episode], provenance: Provenance) -> TransitionDataset:
    writer = StoreWriter(settings.out, overwrite=settings.overwrite)
    try:
        writer.begin(provenance, tuple(episodes[0].arrays()))
        for episode in episodes:
            writer.write(episode)
    finally:
        writer.close()
    return TransitionDataset.open(settings.out)


def _of_minari(settings: ConvertSettings) -> TransitionDataset:
    if len(settings.logs) > 1:
        raise InputError("A Minari dataset is converted alone: give one minari:ID and no other log.")
    dataset = read_minari(str(settings.logs[0]).removeprefix(_MINARI))
    return _written(settings, list(dataset), dataset.provenance)


def _roles(settings: ConvertSettings) -> tuple[Roles, tuple[str, ...]]:
    first, *others = settings.logs
    known = column_names(first)
    roles, guessed = guess_roles(
        known,
        time=settings.time,
        position=settings.position,
        velocity=settings.velocity,
        action=settings.action,
        episode=settings.episode or (EPISODE_INDEX if is_lerobot(first) else None),
        has_time=settings.reading.dt is None,
    )
    for other in others:
        missing = [name for name in roles.names if name in known and name not in column_names(other)]
        if missing:
            raise InputError(
                f"{other} has no column {missing[0]!r}, and {first} has: logs of one dataset have the same."
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
