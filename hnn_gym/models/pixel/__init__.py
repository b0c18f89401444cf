"""Between pictures and positions: a first guess, a codec, and the basis that both stand on."""

from hnn_gym.models.pixel.codec import FrameCodec
from hnn_gym.models.pixel.fourier_basis import FourierBasis
from hnn_gym.models.pixel.pca_positions import first_positions

__all__ = ["FourierBasis", "FrameCodec", "first_positions"]
