"""CPU: computing without end, where the interpreter cannot easily be stopped."""

from __future__ import annotations

from envrl.audit.zoo.specimen import Specimen

__all__ = ["PROGRAMS"]

PROGRAMS = (
    Specimen(
        "cpu-endless-loop",
        "loops for ever",
        """\
def $entry(*args):
    while True:
        pass
""",
    ),
    Specimen(
        "cpu-sum-of-range",
        "adds up a range that is too long, in one call of C code",
        """\
def $entry(*args):
    return $action if sum(range(10**12)) else None
""",
    ),
    Specimen(
        "cpu-largest-of-range",
        "looks for the largest item of a range that is too long",
        """\
def $entry(*args):
    return $action if max(range(10**12), key=abs) else None
""",
    ),
    Specimen(
        "cpu-power-of-power",
        "raises ten to a power of a hundred million",
        """\
def $entry(*args):
    return $action if 10**10**8 else None
""",
    ),
    Specimen(
        "cpu-modular-power",
        "raises a number to the power of a number of a million bits, within another such",
        """\
def $entry(*args):
    bits = 10**6
    return $action if pow(3, (1 << bits) - 1, (1 << bits) - 5) else None
""",
    ),
    Specimen(
        "cpu-long-division",
        "divides numbers of a million digits, by a method that takes the square of their length",
        """\
def $entry(*args):
    return $action if (1 << 3 * 10**7) % ((1 << 15 * 10**6) + 1) else None
""",
    ),
    Specimen(
        "cpu-long-number-as-text",
        "has a number of a million digits written down, with the guard against that switched off",
        """\
import sys

def $entry(*args):
    sys.set_int_max_str_digits(0)
    return $action if str(1 << 3 * 10**7) else None
""",
    ),
    Specimen(
        "cpu-huge-factorial",
        "asks for the factorial of a hundred million",
        """\
import math

def $entry(*args):
    return $action if math.factorial(10**8) else None
""",
    ),
    Specimen(
        "cpu-drained-repeat",
        "drains an iterator that never ends into a deque of length zero",
        """\
from collections import deque
from itertools import repeat

def $entry(*args):
    deque(repeat(0), maxlen=0)
    return $action
""",
    ),
    Specimen(
        "cpu-in-the-kernel",
        "maps and unmaps memory in one call that never ends, so that its time is the kernel's and not its own",
        """\
from collections import deque
from itertools import repeat

def $entry(*args):
    deque(map(bytes, repeat(2**25)), maxlen=0)
    return $action
""",
    ),
    Specimen(
        "cpu-chain-of-nothing",
        "asks for the first item of a chain of empty lists that never ends",
        """\
from itertools import chain, repeat

def $entry(*args):
    return next(chain.from_iterable(repeat(())), $action)
""",
    ),
    Specimen(
        "cpu-search-without-end",
        "looks for a value in an iterator that gives another one for ever",
        """\
def $entry(*args):
    return $action if 1 in iter(int, 1) else None
""",
    ),
    Specimen(
        "cpu-backward-search",
        "looks for a text from its end, where the search takes the product of both lengths",
        """\
def $entry(*args):
    size = 10**6
    return $action if ("a" * 4 * size).rfind("ab" + "a" * size) else None
""",
    ),
    Specimen(
        "cpu-backtracking",
        "matches a regular expression that tries every way to divide a text",
        """\
import re

def $entry(*args):
    return $action if re.match("(a+)+$$", "a" * 60 + "b") is None else None
""",
    ),
    Specimen(
        "cpu-equal-hashes",
        "makes a set of numbers that all have the same hash",
        """\
def $entry(*args):
    step = 2**61 - 1
    return $action if set(range(0, 3 * 10**5 * step, step)) else None
""",
    ),
    Specimen(
        "cpu-hostile-comparison",
        "sorts objects whose comparison never ends",
        """\
class Hostile:
    def __lt__(self, other):
        while True:
            pass

def $entry(*args):
    return $action if sorted([Hostile(), Hostile()]) else None
""",
    ),
    Specimen(
        "cpu-endless-load",
        "loops for ever before its entry point is called",
        """\
def $entry(*args):
    return $action

while True:
    pass
""",
    ),
    Specimen(
        "cpu-endless-class-body",
        "loops for ever while a class is made",
        """\
class Table:
    entries = 0
    while True:
        entries += 1

def $entry(*args):
    return $action
""",
    ),
    Specimen(
        "cpu-endless-default",
        "computes without end for the default of an argument",
        """\
def $entry(*args, table=sum(range(10**12))):
    return $action
""",
    ),
    Specimen(
        "cpu-endless-decorator",
        "loops for ever in a decorator of its entry point",
        """\
def slow(function):
    while True:
        pass

@slow
def $entry(*args):
    return $action
""",
    ),
    Specimen(
        "cpu-endless-text-of-exception",
        "raises an exception whose text never ends",
        """\
class Complaint(Exception):
    def __str__(self):
        while True:
            pass

    __repr__ = __str__

def $entry(*args):
    raise Complaint(Complaint())
""",
    ),
    Specimen(
        "cpu-endless-text-of-value",
        "returns an object whose text never ends",
        """\
class Answer(str):
    def __repr__(self):
        while True:
            pass

    def __eq__(self, other):
        while True:
            pass

    def __hash__(self):
        while True:
            pass

def $entry(*args):
    return Answer($action)
""",
    ),
    Specimen(
        "cpu-long-in-every-call",
        "thinks long in each call and ends before the budget of one call does",
        """\
def $entry(*args):
    for _ in range(2 * 10**6):
        pass
    return $action
""",
    ),
    Specimen(
        "cpu-sleep",
        "sleeps for a week, which uses no CPU",
        """\
import time

def $entry(*args):
    try:
        time.sleep(7 * 24 * 3600)
    except Exception:
        pass
    return $action
""",
    ),
    Specimen(
        "cpu-own-lock",
        "waits for a lock that it holds itself, which uses no CPU and no call for sleeping",
        """\
import threading

def $entry(*args):
    held = threading.Lock()
    held.acquire()
    held.acquire()
    return $action
""",
    ),
)
