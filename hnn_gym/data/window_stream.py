"""Windows of a dataset that is larger than memory, in shuffled minibatches.

Reading single windows in random order would decode a chunk for each. So groups of consecutive episodes are read in
random order, some at a time into a buffer, and the windows of the buffer are shuffled. A minibatch therefore mixes
windows of many places of the recording, and the order of a pass is a function of the random generator alone.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from hnn_gym.data.batches import Windows
from hnn_gym.data.dataset import TransitionDataset
from hnn_gym.errors import checked_arguments, whole_number

_GROUP_STEPS = 2**15
_BUFFER_STEPS = 2**18


class WindowStream:
    """Minibatches of all windows of ``k`` consecutive steps within one episode.

    Example:
        >>> import gymnasium
        >>> from hnn_gym.data import record_steps
        >>> dataset = record_steps(gymnasium.make("Pendulum-v1"), steps=400)
        >>> stream = WindowStream(dataset, 8, batch_size=20, stride=8)
        >>> len(stream), next(stream.batches(np.random.default_rng(0))).observation.shape
        (3, (20, 9, 3))

    Args:
        dataset: the recording.
        k: steps in a window.
        batch_size: windows in a minibatch; the last one may be smaller.
        stride: steps from the start of a window to the start of the next one of the episode.
        buffer_steps: steps whose windows lie in memory and are shuffled together. With stride 1 a window holds its
            steps again, so that memory grows with k.

    Raises:
        InputError: a number is below one.
    """

    @checked_arguments
    def __init__(
        self,
        dataset: TransitionDataset,
        k: int,
        *,
        batch_size: int,
        stride: int = 1,
        buffer_steps: int = _BUFFER_STEPS,
    ) -> None:
        self._k, self._stride = (whole_number(n, name, at_least=1) for n, name in ((k, "k"), (stride, "stride")))
        self._batch_size = whole_number(batch_size, "batch_size", at_least=1)
        long_enough = np.flatnonzero(dataset.lengths >= self._k)
        self._dataset = dataset.select(long_enough)
        lengths = self._dataset.lengths
        self._windows = int(((lengths - self._k) // self._stride + 1).sum())
        group_steps = min(_GROUP_STEPS, buffer_steps)
        self._bounds = group_bounds(lengths, group_steps)
        self._groups_at_once = max(1, buffer_steps // group_steps)

    def __len__(self) -> int:
        """Return the number of minibatches of a pass."""
        return -(-self._windows // self._batch_size)

    def batches(self, rng: np.random.Generator) -> Iterator[Windows]:
        """Iterate once over all windows, in an order drawn with ``rng``.

        Raises:
            InputError: an observation or an action is not finite, or a chunk is damaged.
        """
        order = rng.permutation(len(self._bounds) - 1)
        left: Windows | None = None
        for first in range(0, len(order), self._groups_at_once):
            parts = [self._group(number) for number in order[first : first + self._groups_at_once]]
            buffer = _together(parts if left is None else [left, *parts], dt=self._dataset.provenance.dt)
            whole = len(buffer) - len(buffer) % self._batch_size
            mixed = rng.permutation(len(buffer))
            for start in range(0, whole, self._batch_size):
                yield buffer[mixed[start : start + self._batch_size]]
            left = buffer[mixed[whole:]]
        if left is not None and len(left):
            yield left

    def _group(self, number: int) -> Windows:
        episodes = np.arange(self._bounds[number], self._bounds[number + 1])
        return self._dataset.select(episodes).windows(self._k, stride=self._stride)


def group_bounds(lengths: np.ndarray, steps: int) -> np.ndarray:
    """Where groups of consecutive episodes begin that hold about ``steps`` steps each, and where the last one ends."""
    if not len(lengths):
        return np.zeros(1, np.int64)
    group = (np.cumsum(lengths) - 1) // steps
    return np.concatenate([[0], np.flatnonzero(np.diff(group)) + 1, [len(lengths)]])


def _together(parts: list[Windows], *, dt: float | None) -> Windows:
    if len(parts) == 1:
        return parts[0]
    observation = np.concatenate([part.observation for part in parts])
    action = np.concatenate([part.action for part in parts])
    if all(part.duration is None for part in parts):
        return Windows(observation, action)
    return Windows(observation, action, np.concatenate([_durations(part, dt) for part in parts]))


def _durations(windows: Windows, dt: float | None) -> np.ndarray:
    return np.full(windows.action.shape[:2], dt) if windows.duration is None else windows.duration
