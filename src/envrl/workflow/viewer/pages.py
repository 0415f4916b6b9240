"""What the viewer answers: an address, taken apart, to a page."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from pathlib import Path
from typing import Any, NamedTuple

from envrl.errors import EnvrlError
from envrl.runs import read_lines
from envrl.workflow.recorded import Program, Record, moment_of_step, step_of
from envrl.workflow.run_list import find, list_one, list_runs
from envrl.workflow.viewer.browsing import Wanted, cut, orders_of, outcome_counts, programs_of
from envrl.workflow.viewer.rendering import ASSETS, asset, render
from envrl.workflow.viewer.replaying import Busy, Shown, shown_replay

__all__ = ["Answer", "Pages", "Problem"]

_HTML = "text/html; charset=utf-8"
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'"
)
_LONGEST_TEXT = 200
_EPISODES_PER_PAGE = 100
_LARGEST_REPORT = 32 * 2**20


class Problem(Exception):
    """What is asked for cannot be had."""

    def __init__(self, status: HTTPStatus, message: str) -> None:
        super().__init__(message)
        self.status = status


class Answer(NamedTuple):
    """What goes back to a browser."""

    text: str
    kind: str = _HTML
    policy: str = _POLICY
    status: HTTPStatus = HTTPStatus.OK


class Pages:
    """All pages.

    Args:
        folders: that are searched for runs and sweeps.
    """

    def __init__(self, folders: Sequence[Path]) -> None:
        self._folders = tuple(folders)
        render("problem.html.j2", status=HTTPStatus.OK, message="")  # a missing package is told now, not in a browser

    def answer(self, parts: Sequence[str], asked: Mapping[str, str], *, foreign: bool, play: bool) -> Answer:
        """The page of an address.

        Args:
            parts: segments of its path, decoded.
            asked: its query.
            foreign: whether another site's page asks; replays cost something and are not for those.
            play: whether an answer is wanted that costs something.

        Raises:
            Problem: there is no such page.
            EnvrlError: its files are broken.
        """
        match tuple(parts):
            case ("",):
                return self._index()
            case ("static", name) if name in ASSETS:
                return Answer(asset(name), ASSETS[name][1])
            case ("show", name):
                return self._overview(name)
            case ("show", name, "report"):
                return self._report(name)
            case ("show", name, moment):
                return self._programs(name, moment, asked)
            case ("show", name, moment, number):
                return self._program(name, moment, number, asked, play=play, foreign=foreign)
        raise Problem(HTTPStatus.NOT_FOUND, "There is no such page.")

    def problem(self, status: HTTPStatus, message: str) -> Answer:
        """A page that says what is wrong."""
        return Answer(render("problem.html.j2", status=status, message=message), status=status)

    def _index(self) -> Answer:
        listed = list_runs(self._folders)
        folders = ", ".join(str(folder) for folder in self._folders)
        return Answer(render("index.html.j2", listed=listed, folders=folders))

    def _path(self, name: str) -> Path:
        found = find(self._folders)
        if name not in found:
            raise Problem(HTTPStatus.NOT_FOUND, f"There is no run or sweep {name!r} here.")
        return found[name]

    def _overview(self, name: str) -> Answer:
        path = self._path(name)
        listed = list_one(name, path)
        moments: tuple[str, ...] = ()
        steps: list[dict[str, Any]] = []
        if listed.kind is not None:
            record = Record(path)
            moments = record.moments()
            steps = _steps(record, moments)
        return Answer(
            render(
                "overview.html.j2",
                name=name,
                listed=listed,
                moments=[moment for moment in moments if not step_of(moment)],
                steps=steps,
                has_report=(path / "report.html").is_file(),
            )
        )

    def _report(self, name: str) -> Answer:
        """The report as it was written; it may come from anywhere, so that it is shown as a stranger's page."""
        path = self._path(name)
        page = path / "report.html"
        if not page.is_file() or page.resolve().parent != path.resolve():
            raise Problem(HTTPStatus.NOT_FOUND, f"{name} has no report yet; make one with: envrl report {path}")
        if page.stat().st_size > _LARGEST_REPORT:
            raise Problem(HTTPStatus.NOT_FOUND, f"{page} is too large to be one of our reports.")
        ours = base64.b64encode(hashlib.sha256(asset("report.js").encode()).digest()).decode()
        policy = (
            f"sandbox allow-scripts; default-src 'none'; script-src 'sha256-{ours}'; style-src 'unsafe-inline'; "
            "img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
        )
        return Answer(page.read_text(encoding="utf-8", errors="replace"), policy=policy)

    def _programs(self, name: str, moment: str, asked: Mapping[str, str]) -> Answer:
        record = Record(self._path(name))
        programs = _known(record, moment)
        order, orders = asked.get("order", "number"), orders_of(programs)
        wanted = Wanted(
            outcome=asked.get("outcome", ""),
            text=asked.get("text", "")[:_LONGEST_TEXT],
            order=order if order in orders else "number",
            page=_number(asked.get("page", "1")),
        )
        return Answer(
            render(
                "programs.html.j2",
                name=name,
                moment=moment,
                wanted=wanted,
                page=cut(programs, wanted),
                total=len(programs),
                outcomes=outcome_counts(programs),
                orders=orders,
                beside=_beside(record.moments(), moment),
            )
        )

    def _program(
        self, name: str, moment: str, number: str, asked: Mapping[str, str], *, play: bool, foreign: bool
    ) -> Answer:
        record = Record(self._path(name))
        programs = _known(record, moment)
        place = _number(number, least=0)
        if place >= len(programs):
            raise Problem(
                HTTPStatus.NOT_FOUND, f"There is no program {number!r} here: they are 0 to {len(programs) - 1}."
            )
        program = programs[place]
        shown, said, status = None, "", HTTPStatus.OK
        if "seed" in asked and play:
            if foreign:
                raise Problem(HTTPStatus.FORBIDDEN, "A replay is not for pages of other sites.")
            shown, said, status = _played(record, moment, program, _number(asked["seed"], least=0))
        start = (_number(asked.get("from", "1")) - 1) * _EPISODES_PER_PAGE
        return Answer(
            render(
                "program.html.j2",
                name=name,
                moment=moment,
                program=program,
                last=len(programs) - 1,
                episodes=program.episodes[start : start + _EPISODES_PER_PAGE],
                start=start,
                size=_EPISODES_PER_PAGE,
                shown=shown,
                said=said,
            ),
            status=status,
        )


def _known(record: Record, moment: str) -> tuple[Program, ...]:
    if moment not in record.moments():
        raise Problem(HTTPStatus.NOT_FOUND, f"Nothing was recorded there: {moment!r}.")
    return programs_of(record, moment)


def _played(record: Record, moment: str, program: Program, index: int) -> tuple[Shown | None, str, HTTPStatus]:
    try:
        return shown_replay(record.conditions(moment), program, index), "", HTTPStatus.OK
    except Busy as error:
        return None, str(error), HTTPStatus.SERVICE_UNAVAILABLE
    except EnvrlError as error:
        return None, str(error), HTTPStatus.OK


def _number(text: str, least: int = 1) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 15 and int(text) >= least):
        raise Problem(HTTPStatus.BAD_REQUEST, f"No number: {text[:40]!r}.")
    return int(text)


def _beside(moments: Sequence[str], moment: str) -> tuple[str | None, str | None]:
    """The moments before and after one."""
    place = moments.index(moment)
    return (moments[place - 1] if place else None), (moments[place + 1] if place + 1 < len(moments) else None)


def _steps(record: Record, moments: Sequence[str]) -> list[dict[str, Any]]:
    """Training steps with completions that were kept, and what the metrics say of each."""
    if record.run is None or not record.run.metrics_path.exists():
        rows: list[dict[str, Any]] = []
    else:
        rows = read_lines(record.run.metrics_path).records
    figures = {moment_of_step(row["step"]): row for row in rows if isinstance(row.get("step"), int)}
    return [{"moment": moment, **figures.get(moment, {})} for moment in moments if step_of(moment)]
