"""The command line, called in this process: as quick as a function, and nothing but an exit code and two texts."""

from __future__ import annotations

import os

os.environ.setdefault("HF_HUB_OFFLINE", "1")  # read once, when huggingface_hub is first imported

import sys
from collections.abc import Callable
from typing import NamedTuple

import pytest

from envrl.cli.main import main


class Said(NamedTuple):
    """How a command ended."""

    code: int
    out: str
    err: str


Envrl = Callable[..., Said]


@pytest.fixture
def envrl(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Envrl:
    """Calls the console script; an error that would show a traceback is raised here."""

    def call(*arguments: object) -> Said:
        # Tables are cut to the width of a terminal, which a test has none of.
        monkeypatch.setenv("COLUMNS", "200")
        monkeypatch.setattr(sys, "argv", ["envrl", *map(str, arguments)])
        capsys.readouterr()
        code = 0
        try:
            main()
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else int(end.code is not None)
        return Said(code, *capsys.readouterr())

    return call


@pytest.fixture
def refused(envrl: Envrl) -> Callable[..., str]:
    """Calls the console script with what it must refuse: the one message that it gives."""

    def call(*arguments: object) -> str:
        said = envrl(*arguments)
        assert said.code == 2, said
        assert "Traceback" not in said.out + said.err
        assert said.err.strip(), "it says nothing"
        return said.err

    return call
