"""What several commands read from the command line."""

from __future__ import annotations

import click
import pytest

from envrl.cli.command_line import repeat_command, setting


@pytest.mark.parametrize(
    ("text", "value"),
    [("a=5", 5), ("a=-0.5", -0.5), ("a=true", True), ("a=false", False), ("a=4x4", "4x4"), ("a=b=c", "b=c")],
)
def test_a_setting_has_the_type_of_what_was_typed(text, value):
    key, found = setting(text)
    assert key == "a"
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize("text", ["", "a", "a=", "=5"])
def test_a_setting_needs_a_key_and_a_value(text):
    with pytest.raises(click.UsageError, match="KEY=VALUE, such as target=1024"):
        setting(text)


def test_the_command_is_repeated_as_a_shell_reads_it(monkeypatch):
    monkeypatch.setattr("sys.argv", ["/usr/bin/envrl", "eval", "--success", "return >= 475"])
    assert repeat_command() == "envrl eval --success 'return >= 475'"


@pytest.mark.parametrize("words", [["--hf_hub_token", "s3cret"], ["--api-key=s3cret"], ["x.hf_token=s3cret"]])
def test_secrets_are_masked_in_the_command_that_is_repeated(monkeypatch, words):
    monkeypatch.setattr("sys.argv", ["envrl", "train", *words, "--api-key-env", "OPENAI_API_KEY"])
    assert "s3cret" not in repeat_command()
    assert "[masked]" in repeat_command()
    assert repeat_command().endswith("--api-key-env OPENAI_API_KEY")
