from __future__ import annotations

import builtins
import io
import re
from html.parser import HTMLParser

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from envrl.errors import MissingExtraError
from envrl.evaluation.report import highlight, words
from envrl.evaluation.report.charts import charts
from envrl.evaluation.report.html import render_html
from envrl.evaluation.report.markdown import render_markdown
from envrl.evaluation.report.record import Change, ProgramCard, Rate, RunReport
from envrl.evaluation.report.terminal import render_terminal
from envrl.evaluation.statistics import wilson

HOSTILE = (
    "</code><script>alert(1)</script>\x1b]0;owned\x07\u202e[bold]x[/] ````` <img src=http://evil.example/x onerror=y>"
)
CARD = ProgramCard(title=HOSTILE, source=f"def f():\n    return '{HOSTILE}'\n", note=HOSTILE)


class _Tags(HTMLParser):
    """Every tag of a page, with its attributes."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))


def _hostile(report: RunReport) -> RunReport:
    """The same report with hostile text wherever text may stand."""
    structs = msgspec.structs
    return structs.replace(
        report,
        **dict.fromkeys(("title", "task", "target", "command", "run_dir", "lock_hash", "created"), HOSTILE),
        before=structs.replace(report.before, model=HOSTILE, block=HOSTILE, label=HOSTILE, seeds=HOSTILE),
        after=structs.replace(report.after, model=HOSTILE, outcome_shares={HOSTILE: 1.0}),
        programs=(CARD, CARD),
        best=CARD,
        config=tuple(structs.replace(row, key=HOSTILE, value=HOSTILE, origin=HOSTILE) for row in report.config),
        layers=(HOSTILE,),
        versions={HOSTILE: HOSTILE},
        warnings=(HOSTILE,),
        reward_weights={HOSTILE: 1.0},
    )


def _print(report: RunReport) -> str:
    out = io.StringIO()
    Console(file=out, width=100, force_terminal=False).print(render_terminal(report, "runs/x/report.html"))
    return out.getvalue()


def test_record_survives_json(report: RunReport) -> None:
    assert msgspec.json.decode(msgspec.json.encode(report), type=RunReport) == report


def test_a_rate_that_was_not_measured_survives_json() -> None:
    rate = Rate.of(wilson(0, 0))
    assert rate.estimate is None
    assert msgspec.json.decode(msgspec.json.encode(rate), type=Rate) == rate
    assert words.rate(rate) == "– (0.0 to 100.0)"


def test_page_stands_alone(report: RunReport) -> None:
    page = render_html(report)
    tags = _Tags(page).tags
    assert len(page.encode()) < 1_000_000
    assert not {name for name, _ in tags} & {"script", "link", "iframe", "object", "embed", "form", "base", "a"}
    for _, attributes in tags:
        assert not any(name.startswith("on") for name in attributes)
        for name in ("src", "srcset", "href"):
            assert (attributes.get(name) or "data:").startswith("data:image/svg+xml;base64,") or name not in attributes
    assert "url(" not in page
    assert "default-src 'none'" in page
    assert "http://" not in page
    assert "https://" not in page


def test_pictures_have_words_and_load_nothing(report: RunReport) -> None:
    pictures = charts(report)
    assert len(pictures) == 4
    for chart in pictures:
        assert chart.alt
        for svg in (chart.light, chart.dark):
            assert not re.search(rb'(?:href|src)="(?!#)', svg)
        assert chart.light != chart.dark
    images = [attributes for name, attributes in _Tags(render_html(report)).tags if name == "img"]
    assert [image["alt"] for image in images] == [chart.alt for chart in pictures]


def test_page_is_the_same_each_time(report: RunReport) -> None:
    assert render_html(report) == render_html(report)


def test_page_tells_the_numbers(report: RunReport) -> None:
    page = render_html(report)
    assert report.difference is not None
    for told in (words.headline(report), words.rate(report.after.success), words.p_value(report.difference.p_value)):
        assert told.replace("<", "&lt;") in page
    assert report.command in page


def test_hostile_text_stays_text_in_the_page(report: RunReport) -> None:
    page = render_html(_hostile(report))
    assert "<script" not in page
    assert "<img src=http" not in page
    assert "\x1b" not in page
    assert "\u202e" not in page
    assert "\\u202e" in page
    assert [name for name, _ in _Tags(page).tags].count("img") == 4


def test_hostile_text_stays_text_in_markdown(report: RunReport) -> None:
    text = render_markdown(_hostile(report))
    assert "\x1b" not in text
    assert "\u202e" not in text
    outside = re.sub(r"^(`{3,})\w*\n.*?\n\1$", "", text, flags=re.MULTILINE | re.DOTALL)
    assert "`````" not in outside
    assert not re.search(r"(?<!\\)[<`]", outside)
    assert "http://" not in outside


def test_a_fence_is_longer_than_what_it_holds(report: RunReport) -> None:
    card = ProgramCard(title="t", source="```\n``````\n")
    text = render_markdown(msgspec.structs.replace(report, programs=(), best=card))
    assert "\n```````python\n```\n``````\n```````\n" in text


def test_hostile_text_stays_text_in_the_terminal(report: RunReport) -> None:
    shown = _print(_hostile(report))
    assert "\x1b" not in shown
    assert "\x07" not in shown
    assert "\u202e" not in shown
    assert "[bold]x[/]" in shown


def test_terminal_tells_the_numbers(report: RunReport) -> None:
    shown = _print(report)
    assert words.rate(report.before.success) in shown
    assert words.rate(report.after.success) in shown
    assert "runs/x/report.html" in shown
    assert shown.count("def strategy(board):") == 3


def test_a_bare_report_renders(report: RunReport) -> None:
    bare = RunReport(
        title="t",
        task="2048",
        target="tile 512",
        command="envrl train",
        run_dir="runs/t",
        lock_hash="",
        created="",
        duration_seconds=7300.0,
        before=msgspec.structs.replace(report.before, success=Rate.of(wilson(0, 0)), success_by_program=()),
        after=msgspec.structs.replace(report.after, outcome_shares={"success": 1.0}, mean_score=None),
    )
    assert "No episode was lost" in render_html(bare)
    assert "2 h 1 min" in render_markdown(bare)
    assert "–" in _print(bare)


def test_a_long_run_stays_small(report: RunReport) -> None:
    step = report.curve[0]
    curve = tuple(
        msgspec.structs.replace(step, step=number, reward=None if number % 7 else 0.5) for number in range(9000)
    )
    assert len(render_html(msgspec.structs.replace(report, curve=curve))) < 1_000_000


@pytest.mark.parametrize(
    ("low", "high", "begins"),
    [(0.1, 0.3, "Training raised"), (-0.3, -0.1, "Training lowered"), (-0.1, 0.1, "No clear change")],
)
def test_headline_claims_only_what_the_interval_does(report: RunReport, low: float, high: float, begins: str) -> None:
    difference = Change(estimate=(low + high) / 2, low=low, high=high, p_value=0.01)
    assert words.headline(msgspec.structs.replace(report, difference=difference)).startswith(begins)


@pytest.mark.parametrize("missing", ["jinja2", "matplotlib"])
def test_a_missing_extra_is_named(report: RunReport, missing: str, monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def without(name: str, *rest: object, **more: object) -> object:
        if name.partition(".")[0] == missing:
            raise ModuleNotFoundError(name)
        return real(name, *rest, **more)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(MissingExtraError, match=re.escape('pip install "envrl[report]"')):
        render_html(report)


@given(st.text(st.sampled_from("ab \n'\"\\#1._dfe=")))
def test_highlighting_loses_nothing(source: str) -> None:
    found = list(highlight.pieces(source))
    assert "".join(text for _, text in found) == source
    assert {kind for kind, _ in found} <= set(highlight.KINDS)


def test_highlighting_finds_the_parts() -> None:
    found = list(highlight.pieces('def go(x):  # why\n    return r"a\\"b" + """c\n"d""" + 1.5e3\n'))
    assert ("keyword", "def") in found
    assert ("name", "go") in found
    assert ("comment", "# why") in found
    assert ("string", '"a\\"b"') in found
    assert ("string", '"""c\n"d"""') in found
    assert ("number", "1.5e3") in found
