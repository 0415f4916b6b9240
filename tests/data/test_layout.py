"""What a data set is, told from its columns; and what is said where they tell nothing."""

from __future__ import annotations

from typing import Any

import pytest

from envrl.data.layout import detect
from envrl.data.stages import STAGES, check_stage, stages_of
from envrl.errors import ConfigError, UnknownNameError


@pytest.mark.parametrize(
    ("columns", "format", "kind"),
    [
        ("text", "trl", "text"),
        ("prompt completion", "trl", "answer"),
        ("prompt completion label", "trl", "label"),
        ("messages", "trl", "answer"),
        ("messages tools", "trl", "answer"),
        ("prompt chosen rejected score", "trl", "preference"),
        ("chosen rejected", "trl", "preference"),
        ("instruction input output", "alpaca", "answer"),
        ("instruction", "alpaca", "text"),
        ("instruction chosen rejected", "alpaca", "preference"),
        ("instruction output kto_tag", "alpaca", "label"),
        ("conversations", "sharegpt", "answer"),
        ("conversations chosen rejected", "sharegpt", "preference"),
        ("conversations kto_tag", "sharegpt", "label"),
        ("input preferred_output non_preferred_output", "openai", "preference"),
    ],
)
def test_columns_tell_format_and_kind(columns: str, format: str, kind: str) -> None:
    layout = detect(dict.fromkeys(columns.split()), "here")
    assert (layout.format, layout.kind) == (format, kind)


def test_an_alpaca_row_whose_ranking_is_off_is_no_pair() -> None:
    row = dict.fromkeys(("instruction", "output", "chosen", "rejected"))
    assert detect(row, "here", "alpaca", ranking=False).kind == "answer"


@pytest.mark.parametrize(
    ("columns", "options", "said"),
    [
        ("question answer", {}, "here: the columns question, answer are those of no format"),
        ("", {}, r"\(none\) are those of no format"),
        ("x", {"wanted": "alpaca"}, "format alpaca finds none of its columns"),
        ("x", {"wanted": "nonsense"}, "unknown format 'nonsense'"),
        ("text", {"columns": {"tekst": "text"}}, "has no column 'tekst'; did you mean text"),
        ("text", {"columns": {"text": "body"}}, "no column 'body'"),
        ("instruction", {"ranking": True}, "said to hold pairs"),
        ("conversations", {"tags": {"rolle": "x"}}, "unknown tag 'rolle'"),
        ("conversations images", {"columns": {"images": "images"}}, "images, videos and sounds are not read"),
    ],
)
def test_what_cannot_be_told_is_an_error(columns: str, options: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        detect(dict.fromkeys(columns.split()), "here", **options)


@pytest.mark.parametrize("stage", STAGES)
@pytest.mark.parametrize("columns", ["text", "prompt completion", "chosen rejected", "prompt completion label"])
def test_every_kind_fits_some_stages_and_is_refused_by_the_others(columns: str, stage: str) -> None:
    layout = detect(dict.fromkeys(columns.split()), "here")
    if stage in stages_of(layout.kind):
        assert check_stage(layout, stage, "here") == stage
        return
    with pytest.raises(ConfigError) as error:
        check_stage(layout, stage, "rows.jsonl")
    for part in ("rows.jsonl", columns.replace(" ", ", "), f"stage {stage} trains on", stages_of(layout.kind)[0]):
        assert part in str(error.value)


def test_there_is_no_such_stage() -> None:
    with pytest.raises(UnknownNameError, match=r"did you mean dpo"):
        check_stage(detect({"text": 1}, "here"), "dop", "here")


def test_names_of_columns_are_shown_without_what_moves_a_cursor() -> None:
    with pytest.raises(ConfigError) as error:
        detect({"\x1b[2J": 1, "\u202ename": 1, **{str(number): 1 for number in range(30)}}, "here")
    assert str(error.value).isprintable()
    assert " …" in str(error.value)
