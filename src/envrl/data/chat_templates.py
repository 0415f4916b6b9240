"""Chat templates: the tokenizer's own, one by name, or one from a file for a base model; and whether it is sound."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path
from typing import Any

from envrl.errors import ConfigError, nearest

__all__ = ["APPLIED_MARKS", "PLAIN", "set_template", "template_names", "template_problems"]

PLAIN = "none"
"""The template of a data set whose text is trained on as it stands."""

APPLIED_MARKS = ("<|im_start|>", "<|start_header_id|>", "<start_of_turn>", "<|user|>", "[INST]", "<|assistant|>")
"""What text shows to which a chat template was put already."""

_FAMILIES = {"qwen": "chatml", "qwen3": "chatml", "qwen3_nothink": "chatml", "default": "base"}
_SUFFIX = ".jinja"
_PROBE = ("What is 6 × 7?", "It is 42.")


def template_names() -> list[str]:
    """The chat templates that have a name."""
    shipped = [entry.name.removesuffix(_SUFFIX) for entry in files("envrl.data").joinpath("templates").iterdir()]
    return sorted([*shipped, *_FAMILIES])


def set_template(tokenizer: Any, template: str | None) -> None:
    """Gives a tokenizer the chat template that a configuration names; None leaves its own.

    Raises:
        ConfigError: there is no such template or file, it is not sound, or the tokenizer has none of its own.
    """
    if template == PLAIN:
        return
    if template is None:
        if tokenizer.chat_template is None:
            raise ConfigError(
                "dataset.template: this tokenizer has no chat template of its own (a base model's); "
                f"name one of {', '.join(template_names())}, or a {_SUFFIX} file"
            )
        return
    tokenizer.chat_template = _text_of(template)
    if problems := template_problems(tokenizer):
        raise ConfigError(f"dataset.template {template!r}: " + "; ".join(problems))


def _text_of(template: str) -> str:
    name = _FAMILIES.get(template, template)
    shipped = files("envrl.data").joinpath("templates", f"{name}{_SUFFIX}")
    if "/" not in name and shipped.is_file():
        return shipped.read_text("utf-8")
    path = Path(template).expanduser()
    try:
        return path.read_bytes().decode("utf-8")
    except FileNotFoundError:
        close = " or ".join(nearest(template, template_names())) or ", ".join(template_names())
        raise ConfigError(f"dataset.template {template!r}: no file, and no name; did you mean {close}?") from None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"dataset.template: {path} cannot be read ({error})") from None


def template_problems(tokenizer: Any) -> list[str]:
    """What is wrong with a tokenizer's chat template for training, each with its mend; none if all is well.

    A conversation must begin with what the prompt alone gives (else the model is trained on another context than it
    sees later), and the assistant's turn must end with the end token (else the model never learns to stop).
    """
    asked = [{"role": "user", "content": _PROBE[0]}]
    both = [*asked, {"role": "assistant", "content": _PROBE[1]}]
    try:
        prompt = tokenizer.apply_chat_template(asked, tokenize=False, add_generation_prompt=True)
        whole = tokenizer.apply_chat_template(both, tokenize=False)
    except Exception as error:  # jinja2's own, and whatever a template of a user's raises
        return [f"the template fails on a prompt and an answer ({error}); mend it"]
    problems = []
    if _PROBE[0] not in whole or _PROBE[1] not in whole:
        problems.append("the template leaves out what was said; print message['content'] of every turn")
    elif not whole.startswith(prompt):
        problems.append(
            "the prompt alone is rendered in another way than at the start of the conversation; "
            "let add_generation_prompt print exactly what stands before an answer"
        )
    end = tokenizer.eos_token
    if end is None:
        problems.append("the tokenizer has no end token; give it one (eos_token)")
    elif end not in whole.rpartition(_PROBE[1])[2]:
        problems.append(
            f"no end token {end!r} follows an answer, so that the model would not learn to stop; "
            "print eos_token behind the assistant's turn, or make the token that the template prints the eos_token"
        )
    return problems
