"""What writes completions. Torch and transformers are imported inside functions only."""

from envrl.models.loading import (
    LoadedModel,
    choose_device,
    load_model,
    load_tokenizer,
    model_path,
    prepare_backend,
    require_training,
)
from envrl.models.quiet import quiet_libraries
from envrl.models.writer import Written, conversation, write

__all__ = [
    "LoadedModel",
    "Written",
    "choose_device",
    "conversation",
    "load_model",
    "load_tokenizer",
    "model_path",
    "prepare_backend",
    "quiet_libraries",
    "require_training",
    "write",
]
