"""Where a command computes its cells: the options --executor, --workers and --address of every command."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Executor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Annotated, Literal

import tyro

from hnn_gym.errors import InputError, check_fields


@dataclass(frozen=True)
class Execution:
    """Where cells are computed.

    Raises:
        InputError: an option does not belong to the executor, or is out of range.
    """

    executor: Literal["none", "processes", "ray"] = "none"
    """none: here, one after the other. processes: on the cores of this machine. ray: on a Ray cluster."""
    workers: int | None = None
    """Processes, or cores of a Ray that is started here; by default all cores."""
    address: str | None = None
    """Ray cluster: auto for the one of this machine, or host:port. By default Ray is started here."""

    def __post_init__(self) -> None:
        """Check that the options go together."""
        check_fields(self)
        if self.executor == "none" and self.workers not in (None, 1):
            raise InputError(f"--workers {self.workers} needs --executor processes or --executor ray.")
        if self.workers is not None and self.workers < 1:
            raise InputError(f"--workers must be at least 1, got {self.workers}.")
        if self.executor != "ray" and self.address is not None:
            raise InputError(f"--address {self.address} is that of a Ray cluster: add --executor ray.")
        if self.address is not None and self.workers is not None:
            raise InputError("The cluster at --address has its own number of cores: leave --workers out.")

    @contextmanager
    def opened(self) -> Iterator[Executor | None]:
        """Open the executor for the block; None: compute here.

        Raises:
            InputError: Ray is not installed, or there is no cluster at the address.
        """
        if self.executor == "none":
            yield None
        elif self.executor == "processes":
            from hnn_gym.studies.processes import Processes

            with Processes(self.workers) as processes:
                yield processes
        else:
            from hnn_gym.studies.on_ray import RayExecutor

            with RayExecutor(self.address, workers=self.workers) as cluster:
                yield cluster


Executing = Annotated[Execution, tyro.conf.arg(name="")]
"""The type of the field of a command's settings: its options have no prefix."""
