"""The bait notices what it is laid for: each touch is made from outside any sandbox, as the user that workers are."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from envrl.audit import Bait
from envrl.audit.bait import TOKENS

NOBODY = 65534
OUTSIDE = f"""
import ctypes, encodings.idna, os, resource, signal, socket, subprocess
if os.geteuid() == 0:
    os.setgroups([])
    os.setresgid({NOBODY}, {NOBODY}, {NOBODY})
    os.setresuid({NOBODY}, {NOBODY}, {NOBODY})
"""
Outside = Callable[[str], str]


@pytest.fixture
def outside(bait: Bait) -> Outside:
    """Runs code with its tokens filled in; gives what it prints."""

    def run(code: str) -> str:
        # Not as an argument: there the marker of processes would be found.
        source = OUTSIDE + bait.fill(code, "f", "0")
        done = subprocess.run(
            [sys.executable, "-I", "-S", "-"], input=source, capture_output=True, text=True, cwd="/", timeout=30
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run


CHANGED = "changed the innocent process's priority, processors or limits"

TOUCHES = {
    "open('$folder/new', 'w').write('x')": "left 'new' in the open folder",
    "os.makedirs('$folder/deep/deeper')": "left 'deep' in the open folder",
    "os.symlink('/nowhere', '$folder/link')": "left 'link' in the open folder",
    "os.mkfifo('$folder/gone'); os.unlink('$folder/gone')": "changed the open folder",
    "os.utime('$folder')": "changed the open folder",
    "socket.create_connection(('127.0.0.1', $tcp))": "connected to the TCP socket",
    "socket.socket(type=socket.SOCK_DGRAM).sendto(b'', ('127.0.0.1', $udp))": "sent a datagram to the UDP socket",
    r"socket.socket(socket.AF_UNIX).connect('\0$unix')": "connected to the abstract unix socket",
    "socket.socket(socket.AF_UNIX).connect('$folder.sock')": "connected to the unix socket",
    "os.kill($victim, signal.SIGKILL)": "ended the innocent process (SIGKILL)",
    "os.kill($victim, signal.SIGTERM)": "sent the innocent process SIGTERM",
    "os.kill($victim, signal.SIGWINCH)": "sent the innocent process SIGWINCH",
    "os.kill($victim, 40)": "sent the innocent process a real-time signal",
    "os.kill($victim, signal.SIGSTOP)": "stopped or traced the innocent process",
    "os.sched_setscheduler($victim, os.SCHED_IDLE, os.sched_param(0))": CHANGED,
    "resource.prlimit($victim, resource.RLIMIT_CORE, (0, 0))": CHANGED,
    "assert ctypes.CDLL(None).shmget($shm, 4096, 0o1600) >= 0": "left System V shared memory behind",
    "assert ctypes.CDLL(None).semget($shm, 1, 0o1600) >= 0": "left System V semaphores behind",
    "assert ctypes.CDLL(None).msgget($shm, 0o1600) >= 0": "left System V messages behind",
}


@pytest.mark.parametrize("code", TOUCHES)
def test_a_touch_is_noticed_once(bait: Bait, outside: Outside, code: str) -> None:
    outside(code)
    assert bait.touched() == (TOUCHES[code],)
    assert bait.touched() == ()


def test_a_process_that_lives_on_is_noticed_and_ended(bait: Bait, outside: Outside) -> None:
    said = outside("print(subprocess.Popen(['/bin/sh', '-c', 'sleep 60; :', '$marker'], stdout=-3, stderr=-3).pid)")
    assert bait.touched() == ("started a process",)
    psutil.wait_procs([process for process in psutil.process_iter() if process.pid == int(said)], timeout=5)
    assert not psutil.pid_exists(int(said)) or psutil.Process(int(said)).status() == psutil.STATUS_ZOMBIE


def test_a_process_that_has_ended_by_itself_is_noticed(bait: Bait, outside: Outside) -> None:
    outside("subprocess.run(['/bin/sh', '-c', 'sleep 1; :', '$marker'])")
    assert bait.touched() == ("started a process",)


def test_several_touches_are_told_apart(bait: Bait, outside: Outside) -> None:
    outside("open('$folder/new', 'w'); os.kill($victim, 9)")
    assert bait.touched() == ("left 'new' in the open folder", "ended the innocent process (SIGKILL)")


def test_a_victim_that_was_hurt_has_a_successor(bait: Bait, outside: Outside) -> None:
    before = bait.fill("$victim", "f", "0")
    outside("os.kill($victim, 9)")
    bait.touched()
    assert bait.fill("$victim", "f", "0") != before
    outside("os.kill($victim, 15)")
    assert bait.touched() == ("sent the innocent process SIGTERM",)


def test_what_only_reads_finds_the_secret_word(bait: Bait, outside: Outside) -> None:
    assert outside("print(open('$secret').read())").strip() == bait.breach
    assert outside("print(os.environ['$variable'])").strip() == bait.breach
    seen = outside("print(open('/proc/$victim/environ').read().count('$variable=$breach'))")
    assert seen.strip() == "1", "an ordinary process of the user is open to the user"
    assert bait.touched() == ()


def test_looking_at_the_victim_from_afar_is_no_touch(bait: Bait, outside: Outside) -> None:
    outside("os.kill($victim, 0); os.getpriority(os.PRIO_PROCESS, $victim); os.stat('$folder')")
    assert bait.touched() == ()


def test_all_tokens_are_filled_in_and_nothing_else(bait: Bait) -> None:
    text = " ".join(f"${token}" for token in sorted(TOKENS))
    assert "$" not in bait.fill(text, "f", "0")
    assert bait.fill("$entry $action $other 5$ '\ud800'", "f", '"W"') == "f \"W\" $other 5$ '\ud800'"


def test_nothing_is_left_when_it_is_taken_away() -> None:
    with Bait() as bait:
        folder, secret, victim, variable, port = (
            bait.fill(f"${token}", "f", "0") for token in ("folder", "secret", "victim", "variable", "tcp")
        )
        assert Path(folder).stat().st_mode & 0o7777 == 0o1777
        assert Path(secret).stat().st_mode & 0o777 == 0o644
        assert Path(secret).parent.stat().st_mode & 0o777 == 0o755
        user = psutil.Process(int(victim)).uids().real
        assert user == (NOBODY if os.geteuid() == 0 else os.geteuid())
        (Path(folder) / "left").mkdir()
    assert not Path(secret).parent.exists()
    assert not psutil.pid_exists(int(victim))
    assert variable not in os.environ
    assert not [c for c in psutil.Process().net_connections("tcp") if c.laddr.port == int(port)]


def test_looking_on_costs_little(bait: Bait) -> None:
    before = time.process_time()
    time.sleep(1)
    assert time.process_time() - before < 0.2
