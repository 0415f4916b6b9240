"""The tiny model's tokenizer, which is here without any download."""

from __future__ import annotations

import copy
from typing import Any

import pytest


@pytest.fixture(scope="session")
def saved_tokenizer() -> Any:
    pytest.importorskip("transformers")
    from envrl.config import ModelConfig
    from envrl.models import load_tokenizer

    return load_tokenizer(ModelConfig(path="tiny"))


@pytest.fixture
def tokenizer(saved_tokenizer: Any) -> Any:
    """A copy that a test may change."""
    return copy.deepcopy(saved_tokenizer)
