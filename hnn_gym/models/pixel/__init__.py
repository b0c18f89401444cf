"""Between pictures and positions: a first guess, a codec, and the basis that both stand on."""

from hnn_gym.models.pixel.codec import FrameCodec
from hnn_gym.models.pixel.harmonics import Harmonics
from hnn_gym.models.pixel.unfold import first_positions

__all__ = ["FrameCodec", "Harmonics", "first_positions"]
