"""Memory: taking more than is allowed, by many roads.

A bomb stops at 4 GiB, or asks for so much at once that it touches none of it. One that gets there has broken its limit.
"""

from __future__ import annotations

from envrl.audit.zoo.specimen import Specimen

__all__ = ["PROGRAMS"]


def _folded(depth: int) -> str:
    """A sum of strings that the compiler works out: 2**depth times 16 KiB, in twelve or so characters for each."""
    if depth == 0:
        return '"\U00010000"*4096'
    half = _folded(depth - 1)
    return f"({half}+{half})"


PROGRAMS = (
    Specimen(
        "memory-grow-list",
        "keeps more and more lists",
        """\
def $entry(*args):
    kept = []
    for _ in range(512):
        kept.append([0] * 2**20)
    return "$breach"
""",
    ),
    Specimen(
        "memory-one-huge-object",
        "asks for a tebibyte of zeros at once, which costs nothing until it is used",
        """\
def $entry(*args):
    return "$breach" if bytes(2**40) else $action
""",
    ),
    Specimen(
        "memory-double-string",
        "doubles a string until its length is that of all memory",
        """\
def $entry(*args):
    text = "ab"
    while len(text) < 2**31:
        text += text
    return "$breach"
""",
    ),
    Specimen(
        "memory-huge-integer",
        "shifts a one so far that the number fills a gibibyte",
        """\
def $entry(*args):
    number = 1 << 2**33
    return "$breach" if number else $action
""",
    ),
    Specimen(
        "memory-wide-field",
        "has a number formatted into a field of two thousand million characters",
        """\
def $entry(*args):
    text = "%*d" % (2**31 - 1, 1)
    return "$breach" if text else $action
""",
    ),
    Specimen(
        "memory-shared-mapping",
        "fills shared mappings, which some limits on data do not count",
        """\
import mmap

def $entry(*args):
    kept = []
    size = 2**26
    try:
        for _ in range(64):
            kept.append(mmap.mmap(-1, size, flags=mmap.MAP_SHARED | mmap.MAP_ANONYMOUS))
            for at in range(0, size, 4096):
                kept[-1][at] = 1
    except (OSError, ValueError):
        return $action
    return "$breach"
""",
    ),
    Specimen(
        "memory-unreserved-mapping",
        "maps a tebibyte that the kernel is told not to account for",
        """\
import mmap

def $entry(*args):
    unreserved = 0x4000
    try:
        view = mmap.mmap(-1, 2**40, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | unreserved)
    except OSError:
        return $action
    return "$breach" if len(view) else $action
""",
    ),
    Specimen(
        "memory-raise-break",
        "moves the end of its data segment, past the interpreter's own allocator",
        """\
import ctypes

def $entry(*args):
    libc = ctypes.CDLL(None, use_errno=True)
    libc.sbrk.restype = ctypes.c_void_p
    for _ in range(64):
        if libc.sbrk(ctypes.c_long(2**26)) == ctypes.c_void_p(-1).value:
            return $action
    return "$breach"
""",
    ),
    Specimen(
        "memory-fill-deque-in-c",
        "fills a deque in one call that never comes back to the interpreter",
        """\
from collections import deque
from itertools import repeat

def $entry(*args):
    kept = deque()
    kept.extend(repeat(None, 2**29))
    return "$breach" if kept else $action
""",
    ),
    Specimen(
        "memory-error-in-disguise",
        "goes on after a full memory that shows as another error than that of memory",
        """\
from collections import deque
from itertools import repeat

def $entry(*args):
    try:
        deque(repeat(None, 2**29))
    except Exception:
        return $action
    return "$breach"
""",
    ),
    Specimen(
        "memory-lagging-twin",
        "runs ahead with one half of a split iterator, so that all is kept for the other half",
        """\
from collections import deque
from itertools import repeat, tee

def $entry(*args):
    ahead, behind = tee(repeat(None, 2**29))
    deque(ahead, maxlen=0)
    return "$breach" if behind else $action
""",
    ),
    Specimen(
        "memory-unbounded-cache",
        "has a cache that is lent to it remember answers without end",
        """\
from functools import lru_cache

@lru_cache(maxsize=None)
def remembered(n):
    return bytes(2**16)

def $entry(*args):
    for n in range(2**16):
        remembered(n)
    return "$breach"
""",
    ),
    Specimen(
        "memory-pool-of-product",
        "names an endless product, whose factors are stored before the first item is asked for",
        """\
from itertools import product

def $entry(*args):
    return "$breach" if next(product(range(2**26), repeat=2)) else $action
""",
    ),
    Specimen(
        "memory-growing-dict-swallowed",
        "swallows the error of a full memory and goes on filling it",
        """\
def $entry(*args):
    for _ in range(8):
        kept = {}
        try:
            for n in range(2**25):
                kept[n] = str(n)
        except BaseException:
            continue
        return "$breach"
    return $action
""",
    ),
    Specimen(
        "memory-comprehension-in-finally",
        "fills its memory in a clause that is run whatever happens",
        """\
def $entry(*args):
    try:
        return $action
    finally:
        kept = [bytearray(2**20) for _ in range(4096)]
        if kept:
            return "$breach"
""",
    ),
    Specimen(
        "memory-bomb-on-collection",
        "fills its memory while a generator is thrown away, where errors are not passed on",
        """\
def leftover():
    try:
        yield
    finally:
        [bytearray(2**20) for _ in range(4096)]

def $entry(*args):
    thrown_away = leftover()
    next(thrown_away)
    del thrown_away
    return $action
""",
    ),
    Specimen(
        "memory-cycles-of-crumbs",
        "makes millions of small objects that hold each other",
        """\
class Crumb:
    pass

def $entry(*args):
    first = last = Crumb()
    for _ in range(2**24):
        crumb = Crumb()
        crumb.before, last.after = last, crumb
        last = crumb
    first.before = last
    return "$breach"
""",
    ),
    Specimen(
        "memory-creep",
        "plays honestly and keeps sixteen mebibytes more with each move",
        """\
kept = []

def $entry(*args):
    kept.append(bytearray(2**24))
    return "$breach" if len(kept) > 256 else $action
""",
    ),
    Specimen(
        "memory-folded-constants",
        "fills the memory while it is compiled, with strings that the compiler works out",
        f"""\
def never():
    return {_folded(12)}

def $entry(*args):
    return $action
""",
    ),
    Specimen(
        "memory-deep-hash",
        "hashes a tuple in a tuple in a tuple, which takes a frame of the C stack for each",
        """\
def $entry(*args):
    deep = ()
    for _ in range(3 * 10**5):
        deep = (deep,)
    hash(deep)
    return $action
""",
    ),
    Specimen(
        "memory-deep-iterators",
        "wraps an iterator a hundred thousand times and asks it for one item",
        """\
def $entry(*args):
    items = iter([1])
    for _ in range(10**5):
        items = map(abs, items)
    next(items)
    return $action
""",
    ),
    Specimen(
        "memory-long-complaint",
        "raises an exception whose text is a large part of what it may have",
        """\
def $entry(*args):
    raise KeyError("\\n" * 2**24)
""",
    ),
)
