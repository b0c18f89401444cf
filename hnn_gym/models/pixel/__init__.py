"""Between pictures and positions: scenes, their codecs, and first guesses of the positions."""

from hnn_gym.models.pixel.arm import find_arm
from hnn_gym.models.pixel.carriage import find_carriage
from hnn_gym.models.pixel.codec import FrameCodec
from hnn_gym.models.pixel.fourier_basis import FourierBasis
from hnn_gym.models.pixel.linkage_codec import LinkageCodec
from hnn_gym.models.pixel.pca_positions import first_positions
from hnn_gym.models.pixel.scene import Arm, Bodies, Carriage, Codec, OnePosition, Scene, Slider, codec_of, obvious_scene
from hnn_gym.models.pixel.sprite_codec import SpriteCodec
from hnn_gym.models.pixel.sprite_tracks import Tracks, followed, track, track_slider

__all__ = [
    "Arm",
    "Bodies",
    "Carriage",
    "Codec",
    "FourierBasis",
    "FrameCodec",
    "LinkageCodec",
    "OnePosition",
    "Scene",
    "Slider",
    "SpriteCodec",
    "Tracks",
    "codec_of",
    "find_arm",
    "find_carriage",
    "first_positions",
    "followed",
    "obvious_scene",
    "track",
    "track_slider",
]
