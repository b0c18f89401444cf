"""Minari datasets (https://minari.farama.org): written with the specification of the environment, and read.

Everything that Minari has no place for is kept all the same: further arrays of moments, such as stamps and states, are
the infos of the episodes, and the provenance is an entry of the metadata. So a dataset that returns is equal bit for
bit.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import gymnasium
import numpy as np

from hnn_gym.data.dataset import TransitionDataset
from hnn_gym.data.episode import FIELDS, REQUIRED, Episode
from hnn_gym.data.exchange.content import check_content, content_of
from hnn_gym.data.json_values import plain
from hnn_gym.data.provenance import Provenance
from hnn_gym.data.simulator import SECOND, STEP
from hnn_gym.data.spaces import ObservationLayout, require_action_space
from hnn_gym.errors import ExistingPathError, InputError, MissingPathError
from hnn_gym.files.path_lock import PathLock
from hnn_gym.files.reading import check_is_file, damage_of
from hnn_gym.files.storage import storage_errors
from hnn_gym.files.whole_folder import put_back, put_in_place, remove, staged
from hnn_gym.systems.registry import system_of

_PROVENANCE, _CONTENT = "hnn_gym_provenance", "hnn_gym_content"
_ROOT = "MINARI_DATASETS_PATH"
"""The variable of the environment that says where Minari's datasets are."""
_ID = re.compile(r"([\w-]+/)*[\w-]+-v\d+")
_NAMES = {"reward": "rewards", "terminated": "terminations", "truncated": "truncations"}


def write_minari(dataset: TransitionDataset, dataset_id: str, *, overwrite: bool = False) -> None:
    """Write a dataset where :func:`minari.load_dataset` finds it.

    Args:
        dataset: what to write; its environment's specification is stored where it is registered.
        dataset_id: such as "robot/log-v0".
        overwrite: replace a dataset of that id.

    Raises:
        ExistingPathError: there is one, and ``overwrite`` is not set.
        StorageError: the operating system refuses to write it.
        InputError: minari is not installed, the id is not one, or another process writes this dataset.
    """
    minari = _minari()
    if _ID.fullmatch(dataset_id) is None:
        raise InputError(f"Minari does not take the id {dataset_id!r}: give one with a version, such as robot/log-v0.")
    target = _folder(dataset_id)
    provenance = dataset.provenance
    with _written_aside(target, dataset_id, overwrite=overwrite):
        try:
            written = minari.create_dataset_from_buffers(
                dataset_id,
                list(_buffers(dataset)),
                env=gymnasium.registry.get(provenance.env_id),
                observation_space=provenance.observation_space,
                action_space=provenance.action_space,
                algorithm_name=provenance.policy,
                description=f"Recorded from {provenance.env_id}; written by hnn_gym.",
            )
        except ValueError as error:
            raise InputError(f"Minari does not take this dataset as {dataset_id!r} ({error}).") from None
        note = {_PROVENANCE: json.dumps(provenance.to_json()), _CONTENT: content_of(dataset)}
        written.storage.update_metadata(note)


def read_minari(dataset_id: str) -> TransitionDataset:
    """Read a Minari dataset of this machine.

    Raises:
        MissingPathError: there is none of that id.
        InputError: minari is not installed, the dataset is damaged, or it has a space that cannot be recorded.
    """
    minari = _minari()
    if not (_folder(dataset_id) / "data").is_dir():
        raise MissingPathError(f"There is no Minari dataset {dataset_id} here: python -m minari download {dataset_id}.")
    for path in (_folder(dataset_id) / "data").rglob("*"):
        if not path.is_dir():
            check_is_file(path)
    with damage_of(f"The Minari dataset {dataset_id}"):
        found, metadata = _read(minari, dataset_id)
    check_content(found, metadata.get(_CONTENT), f"The Minari dataset {dataset_id}")
    return found


def _read(minari: Any, dataset_id: str) -> tuple[TransitionDataset, Mapping[str, Any]]:
    """A dataset with the metadata of its store."""
    found = minari.load_dataset(dataset_id)
    stored = found.storage.metadata.get(_PROVENANCE)
    layout = ObservationLayout(found.observation_space)
    provenance = _foreign(found, layout) if stored is None else Provenance.from_json(json.loads(stored))
    episodes = []
    for data in found.iterate_episodes():
        infos = data.infos or {}
        kept = {name: np.asarray(infos[name]) for name in FIELDS if name in infos and name not in REQUIRED}
        action_space = provenance.action_space
        episodes.append(
            Episode(
                observation=_flat(data.observations, layout),
                action=np.asarray(data.actions, action_space.dtype),
                reward=np.asarray(data.rewards, np.float64),
                terminated=np.asarray(data.terminations, bool),
                truncated=np.asarray(data.truncations, bool),
                **(kept if stored is not None else {}),
            )
        )
    return TransitionDataset.from_episodes(episodes, provenance), found.storage.metadata


def _buffers(dataset: TransitionDataset) -> Iterator[Any]:
    from minari.data_collector import EpisodeBuffer

    for number, episode in enumerate(dataset):
        arrays = episode.arrays()
        required = {_NAMES.get(name, f"{name}s"): arrays.pop(name) for name in REQUIRED}
        yield EpisodeBuffer(id=number, infos=arrays, **required)


def _foreign(found: Any, layout: ObservationLayout) -> Provenance:
    """The provenance of a dataset that another program wrote."""
    spec = found.env_spec
    env_id = found.spec.dataset_id if spec is None else spec.id
    system = None if spec is None else system_of(env_id)
    kwargs = {} if spec is None else plain(dict(spec.kwargs))
    coordinates = None if system is None else system.coordinates_for(kwargs)
    dt = None if system is None else system.dt
    return Provenance(
        env_id=env_id,
        observation_space=layout.space,
        observation_names=layout.names,
        action_space=require_action_space(found.action_space),
        env_kwargs={name: value for name, value in kwargs.items() if name != "render_mode"},
        dt=1.0 if dt is None else dt,
        time_unit=STEP if dt is None else SECOND,
        policy=str(found.storage.metadata.get("algorithm_name", "unknown")),
        coordinates=None if coordinates is None else coordinates.to_json(),
    )


def _flat(observations: Any, layout: ObservationLayout) -> np.ndarray:
    """Observations of an episode as one array: those of Dict and Tuple spaces are flattened."""
    if not layout.names:
        return np.asarray(observations, layout.space.dtype)
    rows = range(len(_leaf(observations)))
    return np.stack([layout.array(_row(observations, step), step=step) for step in rows])


def _leaf(values: Any) -> Any:
    while isinstance(values, dict | tuple):
        values = next(iter(values.values())) if isinstance(values, dict) else values[0]
    return values


def _row(values: Any, step: int) -> Any:
    if isinstance(values, dict):
        return {name: _row(value, step) for name, value in values.items()}
    if isinstance(values, tuple):
        return tuple(_row(value, step) for value in values)
    return values[step]


def _folder(dataset_id: str) -> Path:
    from minari.storage.datasets_root_dir import get_dataset_path

    return Path(get_dataset_path(dataset_id))


@contextmanager
def _written_aside(target: Path, dataset_id: str, *, overwrite: bool) -> Iterator[None]:
    """Let Minari write into a hidden folder, which it never lists, and move the dataset into its place at the end.

    So an interrupted conversion leaves no dataset behind, and no damaged one in the place of another.
    """
    before, aside = os.environ.get(_ROOT), staged(target)
    lock = PathLock(target)
    with storage_errors(target):
        target.parent.mkdir(parents=True, exist_ok=True)
        lock.acquire(wait=False)
    try:
        put_back(target)
        if target.exists() and not overwrite:
            raise ExistingPathError(f"There is a Minari dataset {dataset_id} already: give another id, or --overwrite.")
        with TemporaryDirectory(prefix=".hnn_gym-", dir=target.parent, ignore_cleanup_errors=True) as root:
            os.environ[_ROOT] = root
            try:
                yield
            finally:
                if before is None:
                    del os.environ[_ROOT]
                else:
                    os.environ[_ROOT] = before
            (Path(root) / dataset_id).rename(aside)
        put_in_place(target)
    finally:
        remove(aside)
        lock.release()


def _minari() -> Any:
    try:
        import minari
    except ImportError:
        raise InputError('Minari datasets need minari: pip install "hnn-gym[minari]".') from None
    return minari
