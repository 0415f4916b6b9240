"""Keeps the libraries from writing over the progress that envrl shows; their errors still come through."""

from __future__ import annotations

import logging
import warnings

__all__ = ["quiet_libraries"]

_NOISY = ("transformers", "trl", "datasets", "accelerate", "peft", "httpx", "huggingface_hub")


def quiet_libraries() -> None:
    """Turns progress bars off, and everything below an error."""
    import datasets
    import transformers

    transformers.utils.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()
    datasets.disable_progress_bars()
    for name in _NOISY:
        logging.getLogger(name).setLevel(logging.ERROR)
    warnings.filterwarnings("ignore", category=FutureWarning, module="transformers|trl|peft|torch")
    warnings.filterwarnings("ignore", category=UserWarning, module="transformers|trl|peft|torch")
