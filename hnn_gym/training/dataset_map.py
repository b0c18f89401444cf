"""What a dataset's observations and actions are, and its time step: given, declared, or inferred from the recording."""

from __future__ import annotations

from dataclasses import replace

from hnn_gym.arguments import finite_number, instance
from hnn_gym.coordinates import Coordinates
from hnn_gym.data import TransitionDataset
from hnn_gym.data.inferred_map import infer_dataset_map, recording_of
from hnn_gym.data.simulator import STEP
from hnn_gym.inference import InferredMap, declared_time_step
from hnn_gym.training.preparation import declared


def dataset_map(dataset: TransitionDataset, coordinates: Coordinates | None, dt: float | None) -> InferredMap:
    """Return coordinates and time step, with a sentence for everything that was inferred.

    Args:
        dataset: the recording.
        coordinates: None takes those that the dataset declares, and infers them where it declares none.
        dt: time step in s; None takes that of the dataset, and infers it where the dataset counts steps.

    Raises:
        AmbiguousMapError: the map is inferred, and the recording can be read in several ways.
        InputError: an argument has the wrong type, or the recording does not tell what is to be inferred.
    """
    provenance = dataset.provenance
    if coordinates is None and provenance.coordinates is None:
        found = infer_dataset_map(dataset)
        return found if dt is None else replace(found, dt=finite_number(dt, "dt", above=0.0))
    if coordinates is None and provenance.coordinates is not None:
        coordinates = Coordinates.from_json(provenance.coordinates)
    known = instance(coordinates, "coordinates", Coordinates)
    if dt is None and provenance.time_unit == STEP and known.observation_size == _entries(dataset):
        step, sentence = declared_time_step(recording_of(dataset), known)
        if step != provenance.dt:
            return InferredMap(known, step, (sentence,))
    return InferredMap(*declared(dataset, known, dt), ())


def _entries(dataset: TransitionDataset) -> int:
    """Entries of an observation."""
    return int(dataset.episode(0).observation[0].size)
