"""What writes completions. Torch and transformers are imported inside functions only."""

from envrl.models.loading import LoadedModel, choose_device, load_model, model_path, require_training
from envrl.models.quiet import quiet_libraries
from envrl.models.writer import Written, conversation, write

__all__ = [
    "LoadedModel",
    "Written",
    "choose_device",
    "conversation",
    "load_model",
    "model_path",
    "quiet_libraries",
    "require_training",
    "write",
]
