"""What a dataset's observations and actions are, and its time step: given, declared, or inferred from the recording."""

from __future__ import annotations

from dataclasses import replace

from hnn_gym.coordinates import Coordinates
from hnn_gym.coordinates.inference import InferredMap, declared_time_step
from hnn_gym.data import TransitionDataset
from hnn_gym.data.inferred_map import infer_dataset_map, recording_of
from hnn_gym.data.simulator import STEP
from hnn_gym.errors import InputError, finite_number, instance


def dataset_map(dataset: TransitionDataset, coordinates: Coordinates | None, dt: float | None) -> InferredMap:
    """Return coordinates and time step, with a sentence for everything that was inferred.

    Args:
        dataset: the recording.
        coordinates: None takes those that the dataset declares, and infers them where it declares none.
        dt: time step in s; None takes that of the dataset, and infers it where the dataset counts steps.

    Raises:
        AmbiguousMapError: the map is inferred, and the recording can be read in several ways.
        InputError: an argument has the wrong type, or the recording does not determine the map.
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


def declared(
    dataset: TransitionDataset, coordinates: Coordinates | None, dt: float | None
) -> tuple[Coordinates, float]:
    """Return the coordinates and the time step in s: those given, or those that the dataset declares.

    Raises:
        InputError: neither is known, or what is given has the wrong type.
    """
    provenance = dataset.provenance
    if coordinates is None:
        if provenance.coordinates is None:
            raise InputError(
                f"It is not known which observations of {provenance.env_id} are angles, positions and velocities: "
                "pass coordinates=Coordinates(...)."
            )
        coordinates = Coordinates.from_json(provenance.coordinates)
    instance(coordinates, "coordinates", Coordinates)
    if dt is None:
        dt = provenance.dt
        in_steps = provenance.time_unit == STEP and coordinates.in_physical_units
        if dt is None or in_steps:
            why = ", so that forces in N or N m give no energy in J" if in_steps else ""
            raise InputError(f"The time step of {provenance.env_id} is not known in s{why}: pass dt in s.")
    return coordinates, finite_number(dt, "dt", above=0.0)


def require_fitting(dataset: TransitionDataset, coordinates: Coordinates) -> None:
    """Refuse coordinates that do not fit the arrays of a dataset.

    Raises:
        InputError: observations or actions are no vectors, or have another number of entries than is declared.
    """
    first = dataset.select([0]).windows(1)  # actions with an axis of entries, also where they are single numbers
    for name, array, size in (
        ("observations", first.observation[:, 0], coordinates.observation_size),
        ("actions", coordinates.control_vector(first.action[:, 0]), len(coordinates.controls)),
    ):
        if array.ndim != 2:
            raise InputError(
                f"The {name} of the dataset have the shape {array.shape[1:]}, and a world is learned from vectors: "
                "record them flat (gymnasium.wrappers.FlattenObservation), or use train_pixel_world for frames."
            )
        if array.shape[1] != size:
            raise InputError(
                f"The dataset has {name} of {array.shape[1]} entries, and the coordinates declare {size}: correct the "
                "declaration, or the coordinates file."
            )


def _entries(dataset: TransitionDataset) -> int:
    """Entries of an observation."""
    return int(dataset.episode(0).observation[0].size)
