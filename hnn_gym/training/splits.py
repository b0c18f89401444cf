"""Parts of a recording to train on and to judge by: whole episodes where there are enough, else the end of each."""

from __future__ import annotations

import dataclasses

import numpy as np

from hnn_gym.data import Episode, TransitionDataset

_ENOUGH = 5
_SHARE = 0.2


def split_in_time(dataset: TransitionDataset, *, horizon: int = 1) -> tuple[TransitionDataset, TransitionDataset]:
    """Split a recording in about four fifths to train on and one fifth to judge by.

    Args:
        dataset: the recording.
        horizon: steps that an episode to judge by has to have at least.

    Returns:
        Every fifth episode that is long enough to judge by, and the others to train on. Where fewer than five episodes
        are, the last fifth of each, if that has ``horizon`` steps. Where nothing is left to judge by, or to train on,
        the whole recording for both.
    """
    if dataset.num_episodes >= _ENOUGH:
        lengths = [episode.num_steps for episode in dataset]
        judged = [i for i in range(_ENOUGH - 1, len(lengths), _ENOUGH) if lengths[i] >= horizon]
        judged = judged or [i for i in range(len(lengths)) if lengths[i] >= horizon][:1]
        if judged:
            return dataset.select([i for i in range(len(lengths)) if i not in judged]), dataset.select(judged)
        return dataset, dataset
    first, last = [], []
    for episode in dataset:
        cut = episode.num_steps - int(_SHARE * episode.num_steps)
        if episode.num_steps - cut >= horizon and cut >= 1:
            first.append(_part(episode, 0, cut))
            last.append(_part(episode, cut, episode.num_steps))
        else:
            first.append(episode)
    if not last:
        return dataset, dataset
    kept, judged_part = (TransitionDataset.from_episodes(part, dataset.provenance) for part in (first, last))
    return kept, judged_part


def _part(episode: Episode, begin: int, end: int) -> Episode:
    """The steps ``begin`` to ``end`` of an episode; arrays with one row more than steps keep both ends."""
    rows = {}
    for field in dataclasses.fields(episode):
        array = getattr(episode, field.name)
        if array is not None:
            extra = len(array) - episode.num_steps
            rows[field.name] = np.asarray(array)[begin : end + extra]
    return Episode(**rows)
