"""The page of the documentation keeps step with the schema."""

from pathlib import Path

import pytest

from envrl.config.reference import refreshed, tables

PAGE = Path(__file__).parents[2] / "docs" / "configuration.md"


def test_the_page_has_every_field_as_it_is():
    page = PAGE.read_text(encoding="utf-8")
    assert refreshed(page) == page, "refresh it: python -m envrl.config.reference docs/configuration.md"


def test_a_row_has_default_values_and_meaning():
    text = tables()
    assert "| `epsilon` | `0.2` | number ≥ 0 | clipping below, and above unless epsilon_high is set |" in text
    assert "| `lora.r` |  | whole number ≥ 1 | rank of the adapters |" in text
    assert (
        "| `backend` | `transformers` | `transformers`, `unsloth` | library that loads and trains the model |" in text
    )


def test_a_page_without_marks_is_refused():
    with pytest.raises(ValueError, match="has no <!-- fields"):
        refreshed("# Nothing\n")
