"""What the tests of this room share."""

from pathlib import Path

import pytest

from envrl.config import load_config
from envrl.errors import ConfigError


@pytest.fixture
def errors(tmp_path, monkeypatch):
    """Lines of the error that a file's text and overrides earn; the file is c.yaml."""
    monkeypatch.chdir(tmp_path)

    def collect(text="", *overrides):
        Path("c.yaml").write_text(text)
        with pytest.raises(ConfigError) as caught:
            load_config("c.yaml", overrides)
        return str(caught.value).split("\n")

    return collect


@pytest.fixture
def read(tmp_path, monkeypatch):
    """What a file's text and overrides resolve to; the file is c.yaml."""
    monkeypatch.chdir(tmp_path)

    def resolve(text="", *overrides):
        Path("c.yaml").write_text(text)
        return load_config("c.yaml", overrides)

    return resolve
