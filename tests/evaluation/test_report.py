"""The forms of a report: what they tell, and that no text in the record can do anything in them."""

from __future__ import annotations

import base64
import builtins
import hashlib
import io
import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from envrl.errors import MissingExtraError, RunError
from envrl.evaluation.report import highlight, sentences, words
from envrl.evaluation.report.charts import charts
from envrl.evaluation.report.html import render_html
from envrl.evaluation.report.markdown import render_markdown
from envrl.evaluation.report.record import Change, ProgramCard, Rate, SweepReport, read_report
from envrl.evaluation.report.terminal import render_terminal
from envrl.evaluation.statistics import wilson
from envrl.runs import write_json

HOSTILE = (
    "</code></script><!--<script>alert(1)</script>\x1b]0;owned\x07\u202e[bold]x[/] ````` "
    "<img src=http://evil.example/x onerror=y>\"' onload=z ]]> \u2028"
)


class _Tags(HTMLParser):
    """Every tag of a page, with its attributes; and the text of its scripts and styles."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.blocks: list[tuple[str, str]] = []
        self._open = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag in ("script", "style"):
            self._open = tag + str(dict(attrs).get("type") or "")

    def handle_endtag(self, tag: str) -> None:
        self._open = ""

    def handle_data(self, data: str) -> None:
        if self._open:
            self.blocks.append((self._open, data))


def _hostile(value: Any) -> Any:
    """The same record with hostile text in every place that holds text, keys of dictionaries included."""
    if isinstance(value, msgspec.Struct):
        fields = {name: _hostile(getattr(value, name)) for name in value.__struct_fields__}
        kept = {name: getattr(value, name) for name in ("verdict",) if name in fields}
        return type(value)(**fields | kept)
    if isinstance(value, str):
        return HOSTILE
    if isinstance(value, dict):
        return {HOSTILE: _hostile(next(iter(value.values())))} if value else {}
    if isinstance(value, tuple):
        return tuple(map(_hostile, value))
    return value


def _print(report: SweepReport) -> str:
    out = io.StringIO()
    Console(file=out, width=100, force_terminal=False).print(render_terminal(report, "runs/x/report.html"))
    return out.getvalue()


@pytest.fixture(params=["training", "strategies"])
def any_report(request: pytest.FixtureRequest, report: SweepReport, sweep_report: SweepReport) -> SweepReport:
    return report if request.param == "training" else sweep_report


# -- the record -------------------------------------------------------------------------------------------------------


def test_record_survives_json(any_report: SweepReport, tmp_path: Path) -> None:
    write_json(tmp_path / "report.json", any_report)
    assert read_report(tmp_path / "report.json") == any_report


def test_a_rate_that_was_not_measured_survives_json() -> None:
    rate = Rate.of(wilson(0, 0))
    assert rate.estimate is None
    assert msgspec.json.decode(msgspec.json.encode(rate), type=Rate) == rate
    assert words.rate(rate) == "– (0.0 to 100.0)"


@pytest.mark.parametrize("content", ['{"schema": 2}', '{"schema": 1}', "[]", '{"sides": []}'])
def test_a_record_of_another_kind_is_refused_with_the_way_out(content: str, tmp_path: Path) -> None:
    path = tmp_path / "report.json"
    path.write_text(content)
    with pytest.raises(RunError, match=re.escape(f"envrl report {tmp_path}")):
        read_report(path)


# -- the page ---------------------------------------------------------------------------------------------------------


def test_page_stands_alone(any_report: SweepReport) -> None:
    page = render_html(any_report)
    tags = _Tags(page).tags
    assert len(page.encode()) < 1_000_000
    assert not {name for name, _ in tags} & {"link", "iframe", "object", "embed", "form", "base", "a", "img"}
    for _, attributes in tags:
        assert not any(name.startswith("on") or name in ("style", "src", "srcset", "href") for name in attributes)
    assert not re.search(r"@import|url\(|https?://", page)


def test_the_policy_names_the_script_and_the_style_that_stand_in_the_page(report: SweepReport) -> None:
    parsed = _Tags(render_html(report))
    policy = next(a["content"] for name, a in parsed.tags if a.get("http-equiv") == "Content-Security-Policy") or ""
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    for kind in ("script", "style"):
        (text,) = [text for opened, text in parsed.blocks if opened == kind]
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert f"{kind}-src 'sha256-{digest}'" in policy


def test_pictures_have_words(any_report: SweepReport) -> None:
    pictures = charts(any_report)
    assert len(pictures) == (10 if any_report.trained else 5)
    shown = [attributes for name, attributes in _Tags(render_html(any_report)).tags if name == "svg"]
    assert [image["role"] for image in shown] == ["img"] * len(pictures)
    for image, chart in zip(shown, pictures, strict=True):
        assert chart.alt
        assert chart.alt in (image["aria-label"] or "")


def test_colours_of_pictures_are_named_in_the_style_sheet(report: SweepReport) -> None:
    shares = dict.fromkeys(words.OUTCOMES, 0.07)
    sides = tuple(msgspec.structs.replace(side, outcome_shares=shares) for side in report.sides)
    page = render_html(msgspec.structs.replace(report, sides=sides))
    style = page[page.index("<style>") : page.index("</style>")]
    for chart in charts(msgspec.structs.replace(report, sides=sides)):
        for name, _ in chart.legend:
            assert f".{name} {{" in style, name


def test_page_is_the_same_each_time(report: SweepReport) -> None:
    assert render_html(report) == render_html(report)


def test_page_tells_the_numbers(report: SweepReport) -> None:
    page = render_html(report)
    assert report.difference is not None
    last = report.sides[-1]
    for told in (
        sentences.headline(report),
        words.rate(last.success),
        words.score(last.iqm),
        words.p_value(report.difference.p_value),
        "it is beaten",
        "7 of 60",
        "3 programs",
        "pass@4",
        sentences.missing(last),
    ):
        assert told.replace("<", "&lt;").replace("'", "&#39;") in page
    assert report.command in page


def test_replays_are_data_in_the_page(report: SweepReport) -> None:
    blocks = [text for kind, text in _Tags(render_html(report)).blocks if kind == "scriptapplication/json"]
    replay = report.gallery[0].replay
    assert replay is not None
    assert [json.loads(block) for block in blocks] == [[[f.caption, f.text, [[0, 5]]] for f in replay.frames]]


def test_a_replay_that_went_otherwise_says_so(report: SweepReport) -> None:
    card = report.gallery[0]
    assert card.replay is not None
    other = msgspec.structs.replace(card.replay, exact=False, every=4)
    page = render_html(msgspec.structs.replace(report, gallery=(msgspec.structs.replace(card, replay=other),)))
    assert "do not trust this replay" in page
    assert "every 4th move" in page


def test_hostile_text_stays_text_in_the_page(any_report: SweepReport) -> None:
    report = _hostile(any_report)
    honest, parsed = _Tags(render_html(any_report)), _Tags(render_html(report))
    page = render_html(report)
    assert page.count("<script") == page.count("</script") == len([n for n, _ in honest.tags if n == "script"])
    assert {name for name, _ in parsed.tags} <= {name for name, _ in honest.tags}
    for _, attributes in parsed.tags:
        assert not any(name.startswith("on") for name in attributes)
    assert "\x1b" not in page
    assert "\u202e" not in page
    assert "\u2028" not in page
    assert "\\u202e" in page
    for kind, text in parsed.blocks:
        if kind == "scriptapplication/json":
            assert json.loads(text)


def test_a_page_of_the_largest_texts_stays_small(report: SweepReport) -> None:
    card = report.gallery[0]
    assert card.replay is not None
    frame = msgspec.structs.replace(card.replay.frames[0], text="日" * 2000)
    replay = msgspec.structs.replace(card.replay, frames=(frame,) * 10)  # as many bytes as `replays` lets through
    worst = msgspec.structs.replace(card, source="1+" * 30_000, replay=replay)
    page = render_html(msgspec.structs.replace(report, gallery=(worst,) * 4))
    assert len(page.encode()) < 1_000_000


# -- the other forms --------------------------------------------------------------------------------------------------


def test_hostile_text_stays_text_in_markdown(any_report: SweepReport) -> None:
    text = render_markdown(_hostile(any_report))
    assert "\x1b" not in text
    assert "\u202e" not in text
    outside = re.sub(r"^(`{3,})\w*\n.*?\n\1$", "", text, flags=re.MULTILINE | re.DOTALL)
    assert "`````" not in outside
    assert not re.search(r"(?<!\\)[<`]", outside)
    assert "http://" not in outside


def test_a_fence_is_longer_than_what_it_holds(report: SweepReport) -> None:
    card = ProgramCard(title="t", source="```\n``````\n")
    text = render_markdown(msgspec.structs.replace(report, gallery=(card,)))
    assert "\n```````python\n```\n``````\n```````\n" in text


def test_hostile_text_stays_text_in_the_terminal(any_report: SweepReport) -> None:
    shown = _print(_hostile(any_report))
    assert "\x1b" not in shown
    assert "\x07" not in shown
    assert "\u202e" not in shown
    assert "[bold]x[/]" in shown


def test_terminal_and_markdown_tell_the_numbers(report: SweepReport) -> None:
    shown, text = _print(report), render_markdown(report)
    for side in report.sides:
        assert words.rate(side.success) in shown
        assert words.rate(side.success) in text
    assert "runs/x/report.html" in shown
    assert shown.count("def strategy(board):") == text.count("def strategy(board):") == 3
    assert "It beats random." in text
    assert "expectimax is better." in text
    assert "| tried: import of 'os' | 3 programs | 3 programs |" in text


def test_strategies_stand_in_a_table(sweep_report: SweepReport) -> None:
    for form in (render_html(sweep_report), render_markdown(sweep_report), _print(sweep_report)):
        assert "greedy.py" in form
        assert "syntax error" in form
    assert "strongest of 2 strategies, greedy.py" in sentences.headline(sweep_report)
    assert dict(sentences.answers(sweep_report))["How good is it?"].startswith("greedy.py won 62.5 %")
    assert "greedy.py 62.5 %" in charts(sweep_report)[0].alt


def test_a_bare_report_renders(report: SweepReport) -> None:
    before = msgspec.structs.replace(report.sides[0], success=Rate.of(wilson(0, 0)), success_by_program=())
    after = msgspec.structs.replace(report.sides[1], outcome_shares={"success": 1.0}, mean_score=None, score=None)
    bare = SweepReport(
        kind="training",
        title="t",
        task="2048",
        task_id="envrl/2048-v0",
        task_version=0,
        target="tile 512",
        command="envrl train",
        place="runs/t",
        lock_hash="",
        created="",
        duration_seconds=7300.0,
        sides=(before, after),
    )
    assert "No episode was lost" in render_html(bare)
    assert "2 h 1 min" in render_markdown(bare)
    assert "–" in _print(bare)
    for sides in ((), (before,)):
        part = msgspec.structs.replace(bare, sides=sides, partial="It has done 3 steps.")
        for form in (render_html(part), render_markdown(part), _print(part)):
            assert "Not finished" in form
            assert "It has done 3 steps." in form


def test_a_long_run_stays_small(report: SweepReport) -> None:
    step = report.curve[0]
    curve = tuple(
        msgspec.structs.replace(step, step=number, reward=None if number % 7 else 0.5) for number in range(9000)
    )
    assert len(render_html(msgspec.structs.replace(report, curve=curve))) < 200_000


@pytest.mark.parametrize(
    ("low", "high", "begins"),
    [(0.1, 0.3, "Training raised"), (-0.3, -0.1, "Training lowered"), (-0.1, 0.1, "No clear change")],
)
def test_headline_claims_only_what_the_interval_does(report: SweepReport, low: float, high: float, begins: str) -> None:
    difference = Change(estimate=(low + high) / 2, low=low, high=high, p_value=0.01)
    assert sentences.headline(msgspec.structs.replace(report, difference=difference)).startswith(begins)


def test_a_missing_extra_is_named(report: SweepReport, monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def without(name: str, *rest: object, **more: object) -> object:
        if name.partition(".")[0] == "jinja2":
            raise ModuleNotFoundError(name)
        return real(name, *rest, **more)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(MissingExtraError, match=re.escape('pip install "envrl[report]"')):
        render_html(report)


# -- highlighting -----------------------------------------------------------------------------------------------------


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


# -- how it looks -----------------------------------------------------------------------------------------------------


def _themes() -> dict[str, dict[str, str]]:
    """The colours of the style sheet by their names, for light and for dark pages."""
    style = (Path(highlight.__file__).parent / "report.css").read_text()
    light, dark = (dict(re.findall(r"--([\w-]+): (#[0-9a-f]{3,6})", part)) for part in style.split("@media")[:2])
    return {"light": light, "dark": light | dark}


def _luminance(colour: str) -> float:
    """Relative luminance, as WCAG 2.2 defines it."""
    digits = colour[1:] if len(colour) == 7 else "".join(2 * digit for digit in colour[1:])
    parts = [int(digits[place : place + 2], 16) / 255 for place in (0, 2, 4)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def _contrast(first: str, second: str) -> float:
    low, high = sorted((_luminance(first), _luminance(second)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_text_is_readable(theme: str) -> None:
    colours = _themes()[theme]
    on = {"page": "ink soft", "card": "ink soft before after good bad", "warn": "ink", "mark": "ink"}
    on["code"] = "ink keyword string comment number name"
    for ground, names in on.items():
        for name in names.split():
            assert _contrast(colours[name], colours[ground]) >= 4.5, (theme, name, ground)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_shapes_of_pictures_stand_out_from_the_page(theme: str) -> None:
    colours = _themes()[theme]
    shapes = [name for name in colours if name.startswith("o-")] + ["before", "after", "other", "one", "two", "three"]
    for name in shapes:
        assert _contrast(colours[name], colours["card"]) >= 3.0, (theme, name)
