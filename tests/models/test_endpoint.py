"""A served model is asked: what a server may answer, refuse, leave out or repeat, against a real one."""

from __future__ import annotations

import json
import random
import socket
import threading
import time
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from envrl.errors import ConfigError
from envrl.models import endpoint as module
from envrl.models.endpoint import Endpoint, Pace, Reply, ServerError, endpoint_url, is_endpoint, read_key

from ..serving import Answer, Cut, Drop, Hang, Server, completion

KEY = "sk-secret/0123456789"


@pytest.fixture
def quick(monkeypatch):
    """Pauses that are too short to wait for."""
    monkeypatch.setattr(module, "_FIRST_PAUSE", 0.001)
    monkeypatch.setattr(module, "_LONGEST_PAUSE", 0.002)


def ask(server: Server, **settings: object) -> Reply:
    endpoint = Endpoint(url=server.url, **{"timeout": 10.0, **settings})
    return endpoint.complete({"model": "m", "messages": []}, random.Random(0))


def refused(server: Server, **settings: object) -> ServerError:
    with pytest.raises(ServerError) as caught:
        ask(server, **settings)
    return caught.value


def test_a_completion_comes_with_its_tokens():
    with Server(completion("hello", prompt=7, written=3, finish="length")) as server:
        reply = ask(server, key=KEY)
    assert (reply.text, reply.finish_reason, reply.prompt_tokens, reply.completion_tokens) == ("hello", "length", 7, 3)
    assert reply.tries == 1
    assert reply.seconds >= 0
    request = server.requests[0]
    assert request.path == "/v1/chat/completions"
    assert request.headers["Authorization"] == f"Bearer {KEY}"
    assert json.loads(request.body) == {"model": "m", "messages": []}


def test_no_key_is_sent_unless_there_is_one():
    with Server(completion("x")) as server:
        ask(server)
    assert "Authorization" not in server.requests[0].headers


@pytest.mark.parametrize(
    "content",
    [
        {"choices": [{"message": {"content": None}}]},
        {"choices": [{"message": {}, "finish_reason": None}], "usage": None},
        {"choices": [{"message": {"content": ""}}], "usage": {"prompt_tokens": None}, "else": [1]},
    ],
)
def test_a_model_may_write_nothing_and_a_server_may_count_nothing(content):
    with Server(Answer(200, content)) as server:
        reply = ask(server)
    assert (reply.text, reply.finish_reason, reply.prompt_tokens, reply.completion_tokens) == ("", None, None, None)


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504, 529])
def test_what_may_pass_is_asked_again(quick, status):
    with Server(Answer(status, {}), Answer(status, b"busy"), completion("there")) as server:
        assert ask(server).text == "there"
    assert len(server.requests) == 3


@pytest.mark.parametrize("status", [400, 401, 403, 404, 413, 422, 501])
def test_what_will_not_pass_is_asked_once_and_the_servers_words_are_kept(quick, status):
    with Server(Answer(status, {"error": {"message": "no \x1b[31msuch", "code": 1}})) as server:
        error = refused(server)
    assert error.what.startswith(f"answers {status}")
    assert error.words == "no \x1b[31msuch"
    assert (error.tries, len(server.requests)) == (1, 1)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"error": "plain"}, "plain"),
        ({"detail": "of FastAPI"}, "of FastAPI"),
        ({"message": "alone"}, "alone"),
        ({"error": {"code": 3}}, '{"error": {"code": 3}}'),
        (b"<html>no", "<html>no"),
        (b"\xff\xfe", "\ufffd\ufffd"),
        (b"[" * 100_000, "[" * 2000),
        (b"", ""),
    ],
)
def test_the_words_of_a_refusal_are_found_in_whatever_form_they_come(body, words):
    with Server(Answer(400, body)) as server:
        assert refused(server).words == words


@pytest.mark.parametrize(
    "bad",
    [
        Answer(200, b"<html>rubbish</html>"),
        Answer(200, {"choices": []}),
        Answer(200, {"choices": [{"text": "of another interface"}]}),
        Answer(200, {"error": {"message": "overloaded"}}),
        Answer(200, b'{"choices": [{"message": {"content": "hal'),
        Answer(200, b"[" * 100_000),
        Cut(),
        Cut(chunked=True),
        Drop(),
        Drop(b"SSH-2.0-OpenSSH_9.6\r\n"),
    ],
)
def test_rubbish_and_half_an_answer_fail_that_request_and_are_asked_again(quick, bad):
    with Server(bad, completion("whole")) as server:
        assert ask(server).text == "whole"
    with Server(bad) as server:
        error = refused(server, retries=2)
    assert error.tries == len(server.requests) == 3


def test_a_server_that_does_not_answer_is_given_up(quick):
    with Server(Hang()) as server:
        error = refused(server, timeout=0.2, retries=1)
    assert "within 0.2 s" in error.what
    assert error.tries == 2


def test_a_server_that_trickles_is_given_up(quick):
    """Each byte comes in time, the answer does not."""
    with Server(Hang(trickle=True)) as server:
        assert "within 0.3 s" in refused(server, timeout=0.3, retries=0).what


def test_an_endless_answer_is_given_up(monkeypatch):
    monkeypatch.setattr(module, "_MOST_BYTES", 2**20)
    with Server(Answer(200, b"a" * (2**20 + 2**17))) as server:
        error = refused(server)
    assert "more than 1 MiB" in error.what
    assert not error.passing


def test_nobody_there(quick):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}/v1"
        with pytest.raises(ServerError, match="refuses the connection") as caught:
            Endpoint(url=url, retries=1).complete({}, random.Random(0))
    assert caught.value.tries == 2


def test_a_redirect_is_not_followed_with_the_key():
    with Server(completion("stolen")) as other, Server(Answer(302, {}, Location=f"{other.url}/x")) as server:
        error = refused(server, key=KEY)
    assert "redirect" in error.what
    assert other.requests == []


def test_a_key_that_a_server_repeats_is_not_repeated():
    with Server(Answer(401, {"error": {"message": f"Incorrect API key: {KEY}"}})) as server:
        error = refused(server, key=KEY)
        assert KEY not in repr(Endpoint(url=server.url, key=KEY))
    assert error.words == "Incorrect API key: [key]"


def test_a_completion_that_holds_the_key_by_chance_stays_as_it_was_written():
    with Server(completion("a = 1  # not needed")) as server:
        assert ask(server, key="a").text == "a = 1  # not needed"


# waiting


def test_a_server_that_asks_to_wait_is_waited_for(quick, monkeypatch):
    held = []
    monkeypatch.setattr(Pace, "hold", lambda self, seconds: held.append(seconds))
    date = format_datetime(datetime.now(UTC) + timedelta(seconds=60), usegmt=True)
    answers = [Answer(429, {}, **{"Retry-After": text}) for text in ("7", date, "soon", "0")]
    with Server(*answers, completion("x")) as server:
        assert ask(server).tries == 5
    assert held[0] == 7.0
    assert 50 < held[1] <= 60
    assert len(held) == 2


def test_a_server_that_asks_to_wait_for_hours_is_not_waited_for():
    with Server(Answer(429, {"error": "quota"}, **{"Retry-After": "7200"})) as server:
        error = refused(server)
    assert "asked again in 7200 s" in error.what
    assert len(server.requests) == 1


def test_all_wait_when_one_is_told_to():
    pace = Pace()
    assert pace.take() == 0
    pace.hold(100)
    assert 99 < pace.take() <= 100
    assert 99 < pace.take() <= 100


def test_requests_are_spaced_evenly():
    pace = Pace(per_minute=6)
    waits = [pace.take() for _ in range(4)]
    assert waits == pytest.approx([0, 10, 20, 30], abs=1)


def test_pauses_double_with_jitter_and_come_from_the_seed(monkeypatch):
    class Stop(threading.Event):
        def __init__(self) -> None:
            super().__init__()
            self.waited: list[float] = []

        def wait(self, timeout: float | None = None) -> bool:
            self.waited.append(timeout or 0.0)
            return False

    def pauses(seed: int) -> list[float]:
        stop = Stop()
        with Server(Answer(500, {})) as server, pytest.raises(ServerError):
            Endpoint(url=server.url, retries=8).complete({}, random.Random(seed), stop)
        return stop.waited[1::2]

    found = pauses(1)
    assert found == pauses(1) != pauses(2)
    for number, pause in enumerate(found):
        whole = min(30.0, 0.5 * 2**number)
        assert whole / 2 <= pause <= whole


# many


def test_many_are_asked_at_once_and_each_answer_has_its_number():
    with Server(lambda request: completion(str(json.loads(request.body)["n"])), together=4) as server:
        found = dict(Endpoint(url=server.url, concurrency=4).complete_all(lambda n: {"n": n}, range(12)))
    assert {number: reply.text for number, reply in found.items()} == {n: str(n) for n in range(12)}
    assert server.most_at_once == 4


def test_after_a_failure_nothing_new_is_asked_and_what_is_on_its_way_still_comes():
    gate = threading.Event()

    def answer(request):
        number = json.loads(request.body)["n"]
        if number == 0:
            return Answer(400, {"error": "no"})
        gate.wait(10)
        return completion(str(number))

    with Server(answer, together=3) as server:
        answers = Endpoint(url=server.url, concurrency=3).complete_all(lambda n: {"n": n}, range(50))
        threading.Timer(0.2, gate.set).start()
        came = []
        with pytest.raises(ServerError, match="answers 400"):
            came.extend(number for number, _ in answers)
    assert came == [] or set(came) == {1, 2}
    assert len(server.requests) == 3


def test_who_stops_waits_for_nobody():
    gate = threading.Event()

    def answer(request):
        if json.loads(request.body)["n"]:
            gate.wait(30)
        return completion("x")

    with Server(answer) as server:
        answers = Endpoint(url=server.url, concurrency=2).complete_all(lambda n: {"n": n}, range(9))
        assert next(answers)[0] == 0
        began = time.monotonic()
        answers.close()
        assert time.monotonic() - began < 10
        gate.set()


def test_nothing_is_asked_of_nobody():
    assert list(Endpoint(url="http://127.0.0.1:9/v1").complete_all(lambda n: {}, ())) == []


# a first look


@pytest.mark.parametrize("status", [200, 404, 405, 500])
def test_a_server_need_not_list_its_models(status):
    with Server(Answer(status, {})) as server:
        Endpoint(url=server.url, retries=0).look()
    assert server.requests[0].path == "/v1/models"


@pytest.mark.parametrize("status", [401, 403])
def test_a_key_that_is_refused_is_known_at_the_first_look(status):
    with Server(Answer(status, {"error": "who?"})) as server, pytest.raises(ServerError, match=f"answers {status}"):
        Endpoint(url=server.url).look()


# addresses and keys


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("http://127.0.0.1:8000/v1", "http://127.0.0.1:8000/v1"),
        ("http://127.0.0.1:8000/v1/", "http://127.0.0.1:8000/v1"),
        ("HTTPS://example.org/v1/chat/completions", "https://example.org/v1"),
        ("http://[::1]:80", "http://[::1]:80"),
    ],
)
def test_addresses(text, url):
    assert is_endpoint(text)
    assert endpoint_url(text) == url


@pytest.mark.parametrize("text", ["tiny", "./model", "org/model", "httpx/model", "/http://x"])
def test_what_is_no_address(text):
    assert not is_endpoint(text)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("http://", "no address of a server"),
        ("http://:80/v1", "no address of a server"),
        ("http://x:99999/v1", "no address of a server"),
        ("http://[::1/v1", "no address of a server"),
        ("http://x /v1", "outside ASCII"),
        ("http://x/v1\n", "outside ASCII"),
        ("http://bücher/v1", "outside ASCII"),
        (f"http://me:{KEY}@x/v1", "written to disk"),
        (f"http://x/v1?api_key={KEY}", "written to disk"),
        (f"http://x/v1#{KEY}", "written to disk"),
    ],
)
def test_addresses_that_cannot_be_used(text, words):
    with pytest.raises(ConfigError, match=words) as caught:
        endpoint_url(text)
    assert KEY not in str(caught.value)


def test_a_key_is_read_from_the_environment(monkeypatch):
    monkeypatch.setenv("A_KEY", f" {KEY}\n")
    assert read_key("A_KEY") == KEY
    assert read_key(None) is None


@pytest.mark.parametrize(("variable", "value"), [("A_KEY", ""), ("A_KEY", "a\nb"), ("A_KEY", "schlüssel"), (KEY, "")])
def test_a_key_that_cannot_be_one_is_refused_unseen(monkeypatch, variable, value):
    monkeypatch.setenv("A_KEY", value)
    with pytest.raises(ConfigError, match="--api-key-env") as caught:
        read_key(variable)
    assert KEY not in str(caught.value)
    assert not value or value not in str(caught.value)


@given(st.text())
def test_any_retry_after_is_understood_or_left(text):
    seconds = module._seconds(text)
    assert seconds is None or seconds >= 0
