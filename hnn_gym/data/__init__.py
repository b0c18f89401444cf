"""Recorded transitions: the recorder, the dataset, and its store."""

from typing import TYPE_CHECKING

from hnn_gym.lazy import lazy_exports

if TYPE_CHECKING:
    from hnn_gym.data.batches import Transitions, Windows
    from hnn_gym.data.dataset import TransitionDataset
    from hnn_gym.data.driver import drive, record_steps
    from hnn_gym.data.episode import Episode
    from hnn_gym.data.frames import FrameRule
    from hnn_gym.data.logs.settings import LogSettings
    from hnn_gym.data.noise import ObservationNoise
    from hnn_gym.data.parallel import episodes_in_processes
    from hnn_gym.data.policies import PolicyChoice, RecordingPolicy
    from hnn_gym.data.provenance import Provenance
    from hnn_gym.data.record import RecordTransitions
    from hnn_gym.data.store_writer import StoreWriter
    from hnn_gym.data.window_stream import WindowStream
    from hnn_gym.data.writer import MemoryWriter, Writer

__all__ = [
    "Episode",
    "FrameRule",
    "LogSettings",
    "MemoryWriter",
    "ObservationNoise",
    "PolicyChoice",
    "Provenance",
    "RecordTransitions",
    "RecordingPolicy",
    "StoreWriter",
    "TransitionDataset",
    "Transitions",
    "WindowStream",
    "Windows",
    "Writer",
    "drive",
    "episodes_in_processes",
    "record_steps",
]
__getattr__, __dir__ = lazy_exports(__name__)
