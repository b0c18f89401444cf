"""Infer what the entries of observations and actions are from a recording of them."""

from hnn_gym.coordinates.inference.infer import AmbiguousMapError, InferredMap, infer_map
from hnn_gym.coordinates.inference.recording import Recording
from hnn_gym.coordinates.inference.time_step import declared_time_step

__all__ = ["AmbiguousMapError", "InferredMap", "Recording", "declared_time_step", "infer_map"]
