"""What needs an accelerator, or a library that the other tests do without: skipped where it is not there."""

from __future__ import annotations

import os

os.environ.setdefault("HF_HUB_OFFLINE", "1")  # no test asks for a model

import pytest


@pytest.fixture(scope="session")
def gpu() -> str:
    """The device ``cuda``; tests that ask for it are skipped without one."""
    import torch

    if not torch.cuda.is_available():
        pytest.skip("torch sees no GPU")
    return "cuda"
