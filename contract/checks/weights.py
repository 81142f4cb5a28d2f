"""Which file of trained weights a network starts from."""

from contract.checks.network import Network
from contract.checks.torchvision_facts import CLASSIFIERS, SEGMENTERS
from contract.config import Model, TorchvisionClassifier, TorchvisionSegmenter


def facts_of(model: Model) -> Network | None:
    """What is known of one of torchvision's networks; None of any other."""
    if isinstance(model, TorchvisionClassifier):
        return CLASSIFIERS.get(model.name)
    return SEGMENTERS.get(model.name) if isinstance(model, TorchvisionSegmenter) else None


def weights_of(model: Model) -> str | None:
    """The file's name; None where the network starts from new weights."""
    facts = facts_of(model)
    if facts is None or not isinstance(model, TorchvisionClassifier | TorchvisionSegmenter) or model.weights == "none":
        return None
    return facts.backbone if model.weights == "backbone" else facts.weights
