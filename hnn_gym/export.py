"""Write a dataset for other libraries: ``python -m hnn_gym.export data/arm.zarr --parquet arm.parquet``."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from hnn_gym import command
from hnn_gym.data import TransitionDataset
from hnn_gym.data.exchange.minari_datasets import write_minari
from hnn_gym.data.exchange.parquet_files import write_parquet
from hnn_gym.errors import InputError


@dataclass(frozen=True)
class ExportSettings:
    """Write a dataset as Parquet or for Minari; nothing is lost."""

    dataset: Annotated[Path, tyro.conf.Positional]
    """Folder of the dataset."""
    parquet: Path | None = None
    """File to write."""
    minari: str | None = None
    """Id of the Minari dataset to write, such as robot/log-v0; minari.load_dataset reads it."""
    overwrite: tyro.conf.FlagCreatePairsOff[bool] = False
    """Replace what is there."""

    def __post_init__(self) -> None:
        """Check that there is something to write."""
        if self.parquet is None and self.minari is None:
            raise InputError("Say what to write: --parquet FILE, or --minari ID.")


def main(settings: ExportSettings) -> None:
    """Write the dataset, and say where."""
    dataset = TransitionDataset.open(settings.dataset)
    if settings.parquet is not None:
        write_parquet(dataset, settings.parquet, overwrite=settings.overwrite)
        print(f"{settings.parquet}: {dataset.num_steps} steps in {dataset.num_episodes} episodes")
    if settings.minari is not None:
        write_minari(dataset, settings.minari, overwrite=settings.overwrite)
        print(f'minari.load_dataset("{settings.minari}") reads {dataset.num_steps} steps.')


if __name__ == "__main__":
    command.run(main, ExportSettings, prog="python -m hnn_gym.export")
