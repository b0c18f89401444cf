"""The folder in which a world is trained, and what may be done in each of its states.

    state         what is there                                          start       --resume     --overwrite
    ------------  -----------------------------------------------------  ----------  -----------  -----------
    empty         neither a card nor a saved fit                         begins      is refused   begins
    interrupted   a saved fit, and the card that was there before it     is refused  continues    begins
    finished      a card                                                 is refused  is refused   begins
    done          a saved fit, and the card that this fit has written    is refused  returns it   begins

A saved fit is one file with the arrays of the fit, and what the fit is about in its notes, among them the hash of the
card that it replaces, and the hash of everything else in the file. A process that is killed at any moment leaves one of
the states.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from enum import Enum
from typing import Any

import numpy as np
from safetensors.numpy import save

from hnn_gym.data.shards import is_sharded
from hnn_gym.errors import ExistingPathError, InputError, MissingPathError
from hnn_gym.files.checkpoint import CARD
from hnn_gym.files.committed import replace_file
from hnn_gym.files.path_lock import PathLock
from hnn_gym.files.reading import parse_arrays, parse_json, parse_notes, read_bytes
from hnn_gym.files.seal import hash_of_arrays
from hnn_gym.files.storage import checked_path, resolved_path, storage_errors
from hnn_gym.training.fit import STAGES, FitState

SCALARS = "tensorboard"
_SEAL = "seal"
_UNFINISHED, _FILE = "unfinished", "fit.safetensors"
_GROUPS = ("parameters", "first_moments", "second_moments", "stage_start", "kept", "best")
_COUNTERS = ("adam_step", "lbfgs_step", "least_squares_step", "round", "stream_step", "start")


class Situation(Enum):
    """The states of the table above."""

    EMPTY = "empty"
    INTERRUPTED = "interrupted"
    FINISHED = "finished"
    DONE = "done"


class TrainingFolder:
    """A folder that one process at a time trains in; a context in which it holds the lock.

    Args:
        path: of the folder, which need not exist.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = checked_path(path)
        self._fit = self.path / _UNFINISHED / _FILE
        self._lock = PathLock(resolved_path(self.path))
        self._replaces: str | None = None

    def __enter__(self) -> TrainingFolder:
        """Take the lock, and remove what a killed process has left of a saved fit that it removed or only began.

        Raises:
            InputError: another process trains in the folder.
            StorageError: the operating system refuses to write there.
        """
        with storage_errors(self.path):
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._lock.acquire(wait=False)
        if not self._fit.exists():
            shutil.rmtree(self._fit.parent, ignore_errors=True)
        return self

    def __exit__(self, *raised: object) -> None:
        """Release the lock."""
        self._lock.release()

    @property
    def replaces(self) -> bool:
        """Whether the training that has begun here replaces a world."""
        return self._replaces is not None

    def situation(self) -> Situation:
        """The state of the folder.

        Raises:
            InputError: a saved fit cannot be read.
        """
        card = self._card()
        if not self._fit.exists():
            return Situation.EMPTY if card is None else Situation.FINISHED
        return Situation.INTERRUPTED if self._read()[1].get("replaces") == card else Situation.DONE

    def begin(self, *, overwrite: bool) -> None:
        """Prepare a training from its beginning.

        Raises:
            ExistingPathError: the path is a file; or there is a world or an interrupted training, and ``overwrite`` is
                False.
        """
        if self.path.is_file():
            raise ExistingPathError(f"{self.path} is a file: give another --out.")
        if (self.path / "zarr.json").exists() or is_sharded(self.path):
            raise ExistingPathError(
                f"{self.path} is a dataset, and a world is not written into it: give another --out."
            )
        if not overwrite:
            match self.situation():
                case Situation.INTERRUPTED:
                    raise ExistingPathError(f"{self.path} holds an interrupted training: --resume it, or --overwrite.")
                case Situation.FINISHED | Situation.DONE:
                    raise ExistingPathError(f"{self.path} holds a world: give another --out, or --overwrite.")
        self._replaces = self._card()
        for leftover in (_UNFINISHED, SCALARS):
            shutil.rmtree(self.path / leftover, ignore_errors=True)

    def resume(self, about: dict[str, Any]) -> FitState | None:
        """Return where the interrupted training stands; None: its world is written, and only its state was left.

        Raises:
            MissingPathError: there is no interrupted training.
            InputError: it cannot be read, or had other data or settings.
        """
        match self.situation():
            case Situation.EMPTY:
                raise MissingPathError(f"There is no interrupted training in {self.path}: start it without --resume.")
            case Situation.FINISHED:
                raise InputError(f"The training in {self.path} has finished: there is nothing to resume.")
        state, saved = self._read()
        if saved.get("about") != about:
            raise InputError(
                f"The training interrupted in {self.path} had other data or settings: resume with the same, or "
                "--overwrite."
            )
        if self.situation() is Situation.DONE:
            self.finish()
            return None
        self._replaces = saved.get("replaces")
        return state

    def keep(self, state: FitState, about: dict[str, Any]) -> None:
        """Write a state, as a whole or not at all.

        Raises:
            StorageError: the operating system refuses to write it; the state before is still there.
        """
        arrays = {
            f"{group}/{name}": np.ascontiguousarray(value)
            for group in _GROUPS
            for name, value in getattr(state, group).items()
        }
        notes = {"about": json.dumps({"about": about, "replaces": self._replaces}), "stage": state.stage}
        notes |= {name: str(getattr(state, name)) for name in _COUNTERS}
        notes["order"] = json.dumps({"names": list(arrays)})  # sums over parameters depend on it in the last digits
        notes[_SEAL] = hash_of_arrays(arrays, notes)
        with storage_errors(self._fit):
            self._fit.parent.mkdir(parents=True, exist_ok=True)
            replace_file(self._fit, save(arrays, metadata=notes))

    def finish(self) -> None:
        """Remove the state of the training, whose world is written."""
        shutil.rmtree(self._fit.parent, ignore_errors=True)

    def _read(self) -> tuple[FitState, dict[str, Any]]:
        data = read_bytes(self._fit)
        arrays, notes = parse_arrays(data, self._fit), parse_notes(data, self._fit)
        try:
            if notes.pop(_SEAL) != hash_of_arrays(arrays, notes):
                raise ValueError("it was changed after it was written")
            state = FitState({})
            for name in _COUNTERS:
                setattr(state, name, int(notes[name]))
            order = parse_json(notes["order"], self._fit)["names"]
            if sorted(order) != sorted(arrays):
                raise ValueError("the names of the arrays are others")
            for key in order:
                (group, _, name), value = key.partition("/"), arrays[key]
                if group not in _GROUPS or not np.isfinite(value).all():
                    raise ValueError(f"{key} cannot be part of a fit")
                getattr(state, group)[name] = value
            state.stage = next(stage for stage in STAGES if stage == notes["stage"])
        except (LookupError, StopIteration, TypeError, ValueError) as error:
            raise InputError(
                f"{self._fit} is damaged ({error!r}): start the training again with --overwrite."
            ) from None
        return state, parse_json(notes.get("about", ""), self._fit)

    def _card(self) -> str | None:
        """The hash of the card, or None where there is none."""
        card = self.path / CARD
        with storage_errors(card, doing="read"):
            return hashlib.sha256(read_bytes(card)).hexdigest() if card.exists() else None
