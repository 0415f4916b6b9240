"""The helpers that the 2048 task lends, as plain functions."""

from __future__ import annotations

from typing import Any

import pytest

from envrl.envs import find_task


@pytest.fixture(scope="session")
def helpers() -> dict[str, Any]:
    lent = find_task("2048").lent
    namespace: dict[str, Any] = {}
    exec(lent.tables, namespace)
    exec(lent.toolkit, namespace)
    return namespace
