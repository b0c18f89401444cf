"""A log without the zeros of its encoders, for a world that was learned with zeros for each episode."""

from __future__ import annotations

from dataclasses import replace

from hnn_gym.data import TransitionDataset
from hnn_gym.training import FitSettings
from hnn_gym.training.preparation import windows_of
from hnn_gym.training.zeros import estimated_zeros
from hnn_gym.worlds.world_model import WorldModel

_PIECE = 50
"""Steps of the windows from which zeros are estimated."""


def without_zeros(world: WorldModel, log: TransitionDataset) -> tuple[TransitionDataset, list[str]]:
    """Return a log as encoders without zeros would show it, and a sentence about the zeros.

    They are estimated from whole episodes. A world whose card has no zeros leaves the log as it is, without a sentence.

    Raises:
        InputError: the log does not fit the world.
        ConvergenceError: the world leaves the finite numbers from the observed states.
    """
    if "zeros" not in world.card:
        return log, []
    settings = FitSettings(loss="shooting", horizon=_PIECE)
    zeros = estimated_zeros(world, windows_of(log, world.coordinates, abs(world.dt), settings))
    episodes = list(log)
    for number, zero in enumerate(zeros):
        shown = episodes[number].observation.copy()
        for degree, off in zip(world.coordinates.degrees, zero.tolist(), strict=True):
            shown[:, degree.position] -= off
        episodes[number] = replace(episodes[number], observation=shown)
    ends = zip(zeros.min(axis=0), zeros.max(axis=0), strict=True)
    spans = ", ".join(f"{low:.2g}" if low == high else f"{low:.2g} to {high:.2g}" for low, high in ends)
    words = f"The zeros of the encoders were estimated from whole episodes ({spans}, in the units of the positions)."
    return TransitionDataset.from_episodes(episodes, log.provenance), [words]
