"""What every group of the schema shares: strictness, and the kinds of value that more than one group holds."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from envrl.errors import SeedError
from envrl.seeding import parse_indices

__all__ = ["Flag", "Group", "Indices", "Key", "Text"]

_WORDS = {"yes": True, "on": True, "no": False, "off": False}


class Group(BaseModel):
    """A group of keys: strict ("80" is no number), frozen, and without unknown keys."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


def _whole_number_as_text(value: object) -> object:
    # YAML reads the name 2048 and the seeds 32 as numbers; both are meant as text.
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _word_as_flag(value: object) -> object:
    # YAML 1.1 knows these words, YAML 1.2 reads them as text: where a flag is wanted they can mean nothing else.
    return _WORDS.get(value.lower(), value) if isinstance(value, str) else value


def _check_indices(text: str) -> str:
    try:
        parse_indices(text)
    except SeedError as error:
        raise ValueError(str(error)) from None
    return text


Flag = Annotated[bool, BeforeValidator(_word_as_flag)]
Text = Annotated[
    str, BeforeValidator(_whole_number_as_text), Field(min_length=1, json_schema_extra={"type": ["string", "integer"]})
]
Indices = Annotated[Text, AfterValidator(_check_indices)]
Key = Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")]
