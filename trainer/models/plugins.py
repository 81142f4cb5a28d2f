"""Networks of other people's."""

from torch import nn

from contract.errors import RunError
from contract.plugins import ModelPlugin
from trainer.builders import builder_of
from trainer.models.shape import DataShape


def build_plugin_model(config: ModelPlugin, shape: DataShape) -> nn.Module:
    """What the description's builder makes of it; torch's random state is that of the run's seed.

    Raises:
        RunError: the builder cannot be loaded, or gives something else than a module.
    """
    model = builder_of(config)(config, shape)
    if not isinstance(model, nn.Module):
        raise RunError(
            f"The builder of {config.kind}, {config.builder}, gave a {type(model).__name__}.",
            "It must return a torch.nn.Module.",
        )
    return model
