"""What is looked at before a run begins: versions known to be bad, and whether the model answers at all."""

from __future__ import annotations

from envrl.config import RunConfig
from envrl.errors import ModelError, RunError
from envrl.models import LoadedModel, write
from envrl.workflow.doctor import find_problems, installed

__all__ = ["require_answer", "require_sound_versions"]

_TOKENS = 8
_SAMPLES = 4
_PLAIN_PROMPT = "The"


def require_sound_versions(device: str) -> None:
    """Checks that the installed packages are no combination that is known to be bad.

    Args:
        device: ``cpu`` or ``cuda``, where the model lives.

    Raises:
        RunError: they are; the message says what mends it.
    """
    if problems := find_problems(installed(), device == "cuda"):
        lines = "\n".join(f"  {problem.what}\n    -> {problem.mend}" for problem in problems)
        raise RunError(f"these versions are known to fail:\n{lines}\nGo on nonetheless: --skip doctor")


def require_answer(loaded: LoadedModel, config: RunConfig, prompt: str | None) -> None:
    """Lets the model write a few tokens.

    Args:
        prompt: of the task; None for a stage whose model goes on from plain text.

    Raises:
        ModelError: it cannot, or ends each answer before it begins.
    """
    method = config.method.model_copy(
        update={"max_completion_length": min(_TOKENS, config.method.max_completion_length)}
    )
    try:
        written = write(loaded, prompt or _PLAIN_PROMPT, _SAMPLES, method, config.train.seed, plain=prompt is None)
    except (RuntimeError, ValueError) as error:
        first = str(error).strip().splitlines()[0]
        raise ModelError(
            f"model.path {config.model.path!r}: it loads, and cannot write {_TOKENS} tokens ({first}): check "
            "model.dtype, the quantization and the device, or go on with --skip doctor"
        ) from error
    if prompt is not None and all(one.tokens <= 1 and not one.clipped for one in written):
        raise ModelError(
            f"model.path {config.model.path!r}: each of {_SAMPLES} answers ends before it begins: the chat template "
            "may not be the model's own; check it, or go on with --skip doctor"
        )
