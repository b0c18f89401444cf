"""Infer what the entries of observations and actions are from a recording of them."""

from hnn_gym.inference.infer import AmbiguousMapError, InferredMap, infer_map
from hnn_gym.inference.recording import Recording

__all__ = ["AmbiguousMapError", "InferredMap", "Recording", "infer_map"]
