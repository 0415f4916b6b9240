"""The task, and the helpers that it lends, as plain functions."""

from __future__ import annotations

from typing import Any

import pytest

from envrl.envs import Task
from envrl.envs.sudoku.task import task_sudoku


@pytest.fixture(scope="session")
def sudoku() -> Task:
    return task_sudoku()


@pytest.fixture
def helpers(sudoku: Task) -> dict[str, Any]:
    namespace: dict[str, Any] = {}
    exec(sudoku.lent.tables, namespace)
    exec(sudoku.lent.toolkit, namespace)
    return namespace
