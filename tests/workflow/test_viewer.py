"""The viewer: what its pages show, and what it refuses to the pages of others."""

from __future__ import annotations

import html
import http.client
import json
import shutil
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from envrl.envs import find_task
from envrl.errors import ConfigError, RunError
from envrl.evaluation.sweep_log import SweepLog
from envrl.evaluation.sweeps import SweepHeader, SweepProgram
from envrl.outcomes import Outcome
from envrl.rollouts import Assignment, Episode, LocalPlayers
from envrl.seeding import block_salt, episode_seeds
from envrl.workflow.recorded import Program
from envrl.workflow.viewer import Viewer, is_loopback, open_viewer, replaying
from envrl.workflow.viewer.browsing import ORDERS, Wanted, cut, outcome_counts
from envrl.workflow.viewer.rendering import link

HOSTILE = "</script><script>alert(1)</script><img src=x onerror=alert(1)>\u202e\x1b[31m"
SOURCES = [
    "def strategy(board):\n    return legal(board)[0]\n",
    f"def strategy(board):\n    # {HOSTILE}\n    raise ValueError({HOSTILE!r})\n",
]
OPTIONS = {"target": 32, "horizon": 40}


class Got(NamedTuple):
    status: int
    headers: dict[str, str]
    text: str


Get = Callable[..., Got]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A sweep of two programs, one of which tries to be markup; its name tries to be a path."""
    root = tmp_path_factory.mktemp("shown")
    task = find_task("2048", OPTIONS)
    indices = (0, 1, 2)
    seeds = tuple(episode_seeds(block_salt("test", task.id, task.version), "test", indices))
    players = LocalPlayers(task)
    try:
        cards = players.play([Assignment(source, indices, seeds) for source in SOURCES])
    finally:
        players.close()
    header = SweepHeader(
        kind="strategies", subject="s", task=task.id, task_version=task.version, options=task.options,
        environment={"id": "2048", "options": OPTIONS, "toolkit": "full"}, success=task.success, toolkit="full",
        contract=None, prompt_sha256=None, block="test", seeds="0:3", limits={}, layers=(), sampling={}, versions={},
        command="envrl eval", created="2026-01-01T00:00:00+00:00",
    )  # fmt: skip
    with SweepLog.create(root / "deep" / "s", header, header) as log:
        for index, card in enumerate(cards):
            log.add(SweepProgram(index=index, label=HOSTILE if index else "first", completion=None, source=card.source))
            for episode in card.episodes:
                log.record(index, episode)
        log.add(
            SweepProgram(index=2, label="#2", completion=HOSTILE, source=None, outcome=Outcome.NO_CODE, detail=HOSTILE)
        )
        log.finish(header)
    (root / "secret.txt").write_text("the secret")
    return root


@pytest.fixture(scope="module")
def viewer(folder: Path) -> Iterator[Viewer]:
    with open_viewer([folder]) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture(scope="module")
def get(viewer: Viewer) -> Get:
    port = viewer.server_address[1]

    def ask(path: str, method: str = "GET", **headers: str) -> Got:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        try:
            connection.request(method, path, headers={name.replace("_", "-"): value for name, value in headers.items()})
            answer = connection.getresponse()
            return Got(answer.status, dict(answer.getheaders()), answer.read().decode())
        finally:
            connection.close()

    return ask


S = link("show", "deep/s")


def test_the_list_leads_to_every_page(get):
    assert f'href="{S}"' in get("/").text
    overview = get(S)
    assert overview.status == 200
    assert f'href="{S}/sweep"' in overview.text
    programs = get(f"{S}/sweep")
    assert [f'href="{S}/sweep/{number}"' in programs.text for number in range(3)] == [True] * 3
    program = get(f"{S}/sweep/0")
    assert '<span class="name">strategy</span>' in program.text
    assert program.text.count(">replay</a>") == 3
    assert f"{S}/sweep/0?seed=1#replay" in program.text


def test_programs_of_a_sweep_have_no_reward_to_be_ordered_by(get):
    page = get(f"{S}/sweep?order=reward").text
    assert "reward" not in page.replace("order=reward", "")
    assert '<option value="number" selected>' in page
    assert page.count('<th scope="col"') == 4


def test_a_seed_is_played_again_in_the_page(get):
    page = get(f"{S}/sweep/0?seed=1").text
    assert ">exact</span>" in page
    assert '<script src="/static/report.js">' in page
    data = page.partition('<script type="application/json">')[2].partition("</script>")[0]
    frames = json.loads(data)
    assert frames[0][0] == "start"
    assert len(frames) > 5
    assert "<script" not in page.replace('<script src="/static/', "").replace('<script type="application/json"', "")


def test_nothing_that_a_model_wrote_is_markup_or_hidden(get):
    for path in (S, f"{S}/sweep", f"{S}/sweep/1", f"{S}/sweep/1?seed=0", f"{S}/sweep/2", f"{S}/sweep?text=%3Cscript"):
        page = get(path).text
        assert "<img" not in page, path
        assert "alert(1)</script>" not in page, path
        assert "\u202e" not in page, path
        assert "\x1b" not in page, path
    assert html.escape("<img src=x onerror=alert(1)>\\u202e\\x1b[31m") in get(f"{S}/sweep/2").text


@pytest.mark.parametrize("path", ["/", S, f"{S}/sweep", f"{S}/sweep/1?seed=0", "/nothing", "/static/viewer.js"])
def test_every_answer_says_what_a_browser_may_do_with_it(get, path):
    headers = get(path).headers
    policy = headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Cross-Origin-Resource-Policy"] == "same-origin"
    assert "<style" not in get(path).text
    assert " style=" not in get(path).text


@pytest.mark.parametrize(
    "path",
    [
        "/nothing",
        "/show",
        "/show/",
        "/show/nothing",
        "/show/..",
        "/show/..%2fsecret.txt",
        "/show/..%2f..%2fetc%2fpasswd",
        "/show/deep%2f..%2fdeep%2fs",
        "/show/deep/s",
        "/static/..%2fpages.py",
        "/static/../pages.py",
        "/static/page.html.j2",
        "/static/%2fetc%2fpasswd",
        "/../../etc/passwd",
        "/%2e%2e/secret.txt",
        f"{S}/..%2f..%2fsecret.txt",
        f"{S}/sweep%2f..%2fsweep",
        f"{S}/after",
        f"{S}/step-000001",
        f"{S}/sweep/3",
        f"{S}/sweep/0/more",
        f"{S}/report",
    ],
)
def test_an_address_names_what_was_found_or_nothing(get, path):
    got = get(path)
    assert got.status == 404
    assert "the secret" not in got.text


@pytest.mark.parametrize(
    "path", [f"{S}/sweep/-1", f"{S}/sweep/x", f"{S}/sweep/%C2%B2", f"{S}/sweep?page=0", f"{S}/sweep/0?seed=1e9", "/%ff",
             f"{S}/sweep/0?from=999999999999999999", "/?" + "&".join(f"a{n}=1" for n in range(99))]
)  # fmt: skip
def test_what_cannot_be_read_is_a_bad_request(get, path):
    assert get(path).status == 400


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:80", "127.0.0.1.evil.example", "10.0.0.7", "", "[", "a@evil"]
)
def test_a_name_that_others_may_point_here_is_refused(get, host):
    assert get("/", Host=host).status in (400, 403)


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.1:1234", "localhost:80", "LOCALHOST", "[::1]:80"])
def test_names_of_this_machine_are_answered_to(get, host):
    assert get("/", Host=host).status == 200


def test_a_request_has_one_host(viewer):
    for hosts in ("", "Host: localhost\r\nHost: localhost\r\n"):
        with socket.create_connection(viewer.server_address[:2], timeout=20) as connection:
            connection.sendall(f"GET / HTTP/1.0\r\n{hosts}\r\n".encode())
            assert connection.recv(100).startswith(b"HTTP/1.0 403 ")


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS"])
def test_it_only_shows(get, method):
    got = get("/", method)
    assert got.status == 405
    assert got.headers["Allow"] == "GET, HEAD"


def test_head_has_no_body_and_plays_nothing(get, monkeypatch):
    monkeypatch.setattr("envrl.workflow.viewer.pages.shown_replay", lambda *_: pytest.fail("played"))
    got = get(f"{S}/sweep/0?seed=0", "HEAD")
    assert got.status == 200
    assert got.text == ""
    assert int(got.headers["Content-Length"]) > 1000


def test_pages_of_other_sites_get_no_replay(get):
    assert get(f"{S}/sweep/0?seed=0", Sec_Fetch_Site="cross-site").status == 403
    assert get(f"{S}/sweep/0", Sec_Fetch_Site="cross-site").status == 200
    assert get(f"{S}/sweep/0?seed=0", Sec_Fetch_Site="same-origin").status == 200


def test_one_replay_at_a_time(get):
    with replaying._one:
        got = get(f"{S}/sweep/0?seed=0")
    assert got.status == 503
    assert "another replay is being played" in got.text
    assert ">exact</span>" in get(f"{S}/sweep/0?seed=0").text


def test_a_replay_that_cannot_be_is_said_on_the_page(get):
    got = get(f"{S}/sweep/0?seed=77")
    assert got.status == 200
    assert "did not play seed 77" in got.text
    assert "has no episode" in get(f"{S}/sweep/2?seed=0").text


def test_programs_are_filtered_by_outcome_and_text(get):
    def shown(query: str) -> list[int]:
        page = get(f"{S}/sweep{query}").text
        return [number for number in range(3) if f'href="{S}/sweep/{number}"' in page]

    assert shown("?outcome=no_code") == [2]
    assert shown("?outcome=exception") == [1]
    assert shown("?text=VALUEERROR") == [1]
    assert shown("?text=strategy&outcome=no_code") == []
    assert shown("?outcome=nonsense") == []
    assert "no code (1)" in get(f"{S}/sweep").text


@given(
    wins=st.lists(st.lists(st.booleans(), max_size=3), max_size=70),
    outcome=st.sampled_from(["", "success", "failure", "no_code"]),
    order=st.sampled_from(ORDERS),
    size=st.integers(1, 9),
)
def test_pages_hold_each_program_that_matches_once_and_in_order(wins, outcome, order, size):
    programs = []
    for number, row in enumerate(wins):
        episodes = tuple(
            Episode(index=i, outcome=Outcome.SUCCESS if won else Outcome.FAILURE) for i, won in enumerate(row)
        )
        own = None if row else Outcome.NO_CODE
        programs.append(Program(number, "", "", None, own, "", None, {}, float(sum(row)), episodes))
    first = cut(programs, Wanted(outcome=outcome, order=order), size)
    pages = [cut(programs, Wanted(outcome=outcome, order=order, page=page), size) for page in range(1, first.pages + 1)]
    found = [program for page in pages for program in page.rows]
    assert len(found) == first.found == dict(outcome_counts(programs)).get(outcome, 0 if outcome else len(programs))
    assert len({program.number for program in found}) == len(found)
    assert all(len(page.rows) == size for page in pages[:-1])
    keys = {
        "number": lambda p: p.number,
        "reward": lambda p: (-p.total, p.number),
        "won": lambda p: (-p.wins / max(len(p.episodes), 1), p.number),
    }
    assert found == sorted(found, key=keys[order])
    assert cut(programs, Wanted(outcome=outcome, order=order, page=99), size) == pages[-1]


def test_a_run_is_browsed_by_step_and_its_report_is_a_stranger_s_page(finished, tmp_path):
    path = tmp_path / "runs" / "r"
    shutil.copytree(finished[0].run.path, path)
    for torn in ("metrics.jsonl", "completions/step-000001.jsonl"):  # it goes on, and is read in the middle of a write
        with open(path / torn, "a") as file:
            file.write('{"step": 3, "rew')
    with open_viewer([tmp_path / "runs"]) as server:
        answer = server.pages.answer
        plain = {"foreign": False, "play": True}
        overview = answer(("show", "r"), {}, **plain).text
        assert 'href="/show/r/step-000001"' in overview
        assert 'href="/show/r/report"' in overview
        programs = answer(("show", "r", "step-000001"), {"order": "reward"}, **plain).text
        assert "4 of 4 programs" in programs
        assert "›" in programs
        page = answer(("show", "r", "after", "0"), {}, **plain).text
        assert "weighted sum" in page
        report = answer(("show", "r", "report"), {}, **plain)
        assert report.text == (path / "report.html").read_text()
        assert report.policy.startswith("sandbox allow-scripts; default-src 'none'; script-src 'sha256-")
        salt = json.loads((path / "lock.json").read_text())["seeds"]["train_salt"]
        assert not [text for text in (overview, programs, page, report.text) if salt in text]
        (path / "completions" / "step-000001.jsonl").write_text("{\n")
        with pytest.raises(RunError, match="broken line"):
            answer(("show", "r", "step-000001"), {}, **plain)
        (path / "report.html").unlink()
        (tmp_path / "other.html").write_text("elsewhere")
        (path / "report.html").symlink_to(tmp_path / "other.html")
        with pytest.raises(Exception, match="has no report"):
            answer(("show", "r", "report"), {}, **plain)


@pytest.mark.skipif(shutil.which("chromium") is None, reason="there is no chromium")
def test_a_browser_runs_the_player_and_nothing_else(viewer):
    page = f"{viewer.url.removesuffix('/')}{S}/sweep/1?seed=0"
    command = ["chromium", "--headless", "--no-sandbox", "--disable-gpu", "--virtual-time-budget=2000", "--dump-dom"]
    shown = subprocess.run([*command, page], capture_output=True, text=True, timeout=120, check=True).stdout
    assert '<div class="controls">' in shown  # its script has run
    assert "start · 1 of " in shown
    assert "<img" not in shown


def test_a_damaged_run_is_shown_with_what_is_wrong(folder, get):
    (folder / "bad").mkdir()
    try:
        (folder / "bad" / "status.json").write_text("{")
        assert "damaged" in get("/").text
        got = get("/show/bad")
        assert got.status == 200
        assert "not a run (config.yaml, lock.json missing)" in got.text
        assert get("/show/bad/after").status == 500
    finally:
        shutil.rmtree(folder / "bad")


@pytest.mark.parametrize(
    ("listens", "host", "answers"),
    [
        ("127.0.0.1", "10.0.0.7:80", False),
        ("0.0.0.0", "10.0.0.7:80", True),
        ("0.0.0.0", "[fe80::1]:80", True),
        ("0.0.0.0", socket.gethostname(), True),
        ("0.0.0.0", "evil.example", False),
        ("0.0.0.0", "localhost", True),
    ],
)
def test_names_that_an_open_viewer_answers_to(viewer, monkeypatch, listens, host, answers):
    monkeypatch.setattr(viewer, "asked_host", listens)
    assert viewer.answers_to(host) is answers


def test_loopback():
    assert all(map(is_loopback, ("127.0.0.1", "127.9.9.9", "::1", "localhost", "LocalHost")))
    assert not any(map(is_loopback, ("0.0.0.0", "::", "10.0.0.1", "localhost.evil.example", "")))


def test_an_address_that_is_taken_and_a_folder_that_is_not_there(viewer, folder, tmp_path):
    with pytest.raises(ConfigError, match="cannot listen at 127"):
        open_viewer([folder], "127.0.0.1", viewer.server_address[1])
    with pytest.raises(ConfigError, match="cannot listen at 203"):
        open_viewer([folder], "203.0.113.7")
    with pytest.raises(RunError, match="no such folder"):
        open_viewer([tmp_path / "nothing"])


def test_the_command_serves_until_it_is_interrupted(folder):
    command = [sys.executable, "-m", "envrl", "view", str(folder), "--port", "0", "--host", "0.0.0.0"]

    def hear_interrupts() -> None:  # what runs in a shell's background ignores them, and its children do
        signal.signal(signal.SIGINT, signal.SIG_DFL)

    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, preexec_fn=hear_interrupts, **pipes) as process:
        try:
            said = process.stdout.readline()
            port = int(said.partition("0.0.0.0:")[2].partition("/")[0])
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
            connection.request("GET", "/")
            assert connection.getresponse().status == 200
            connection.close()
            process.send_signal(signal.SIGINT)
            assert process.wait(timeout=30) == 0
        finally:
            process.kill()
        assert "warning: 0.0.0.0 is not this machine alone" in process.stderr.read()
