"""The settings of the quickstart."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from hnn_gym.errors import check_fields
from hnn_gym.training import FitSettings

PAGE = "report.md"
Rows = dict[str, list[str]]
"""The cells of each row of a table, one for each column, by the row's label."""


@dataclass(frozen=True)
class QuickstartSettings:
    """Record a real environment, learn an HNN and a network without physics from it, and compare them in a report."""

    env: str = "Pendulum-v1"
    """Id of the real environment; module:Id-v0 imports the module that registers it."""
    out: Path = Path("report")
    """Folder for the report; the report of an earlier run is replaced."""
    transitions: int | None = None
    """Real transitions to record, under random actions. None: 200 of Pendulum-v1, 2,000 of any other."""
    seed: int = 0
    """Seed of the recording and of the initial weights."""
    model: str = "auto"
    """Model with physics, as of python -m hnn_gym.train. auto compares structures; Pendulum-v1 is learned as mechanical
    in any case."""
    adam_steps: int | None = None
    """Steps of Adam for each model. None: the model's own."""
    lbfgs_steps: int | None = None
    """Largest number of L-BFGS iterations for each model. None: the model's own."""
    drift_steps: int = 10_000
    """Unforced steps of Pendulum-v1 over which the energy is measured."""
    film_steps: int = 160
    """Steps shown in the film."""
    overwrite: bool = False
    """Replace ``out`` even if it is not a report."""

    def __post_init__(self) -> None:
        """Check the types."""
        check_fields(self)

    def fit(self, own: FitSettings) -> FitSettings:
        """The settings of a fit whose own are given."""
        return replace(
            own,
            adam_steps=own.adam_steps if self.adam_steps is None else self.adam_steps,
            lbfgs_steps=own.lbfgs_steps if self.lbfgs_steps is None else self.lbfgs_steps,
            seed=self.seed,
        )
