"""Between pictures and positions: a first guess of the positions, the codec, and the basis of functions of both."""

from hnn_gym.models.pixel.codec import FrameCodec
from hnn_gym.models.pixel.fourier_basis import FourierBasis
from hnn_gym.models.pixel.pca_positions import first_positions

__all__ = ["FourierBasis", "FrameCodec", "first_positions"]
