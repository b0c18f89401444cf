"""Models: descriptions that build dynamics from trained arrays. ``MODELS`` finds them by kind."""

from hnn_gym.models.architecture import Architecture, Parameters, Variables, check_shapes
from hnn_gym.models.baseline import Baseline, SecondOrderBaseline
from hnn_gym.models.helmholtz import HelmholtzField
from hnn_gym.models.hnn import HNN
from hnn_gym.models.mechanical import MechanicalHNN
from hnn_gym.models.pairwise import PairwiseHNN
from hnn_gym.models.planar_chain import PlanarChainHNN
from hnn_gym.models.separable import SeparableHNN

MODELS: dict[str, type[Architecture]] = {
    model.kind: model
    for model in (
        HNN,
        SeparableHNN,
        MechanicalHNN,
        PlanarChainHNN,
        PairwiseHNN,
        Baseline,
        SecondOrderBaseline,
        HelmholtzField,
    )
}
"""The kinds of models, by the name that a checkpoint and ``--model`` give them."""

__all__ = [
    "HNN",
    "MODELS",
    "Architecture",
    "Baseline",
    "HelmholtzField",
    "MechanicalHNN",
    "PairwiseHNN",
    "Parameters",
    "PlanarChainHNN",
    "SecondOrderBaseline",
    "SeparableHNN",
    "Variables",
    "check_shapes",
]
