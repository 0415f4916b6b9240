"""The shipped tiny model, loaded once. No test asks the network for a model."""

from __future__ import annotations

import os

os.environ.setdefault("HF_HUB_OFFLINE", "1")  # read once, when huggingface_hub is first imported

import pytest

from envrl.config import ModelConfig
from envrl.models import LoadedModel, load_model


@pytest.fixture(scope="package")
def tiny() -> LoadedModel:
    import torch

    torch.set_num_threads(1)
    return load_model(ModelConfig(path="tiny"), "cpu")
