"""Swallowing: a budget is used up, and the program catches what would end it and goes on."""

from __future__ import annotations

from envrl.audit.zoo.specimen import POLICY, Specimen

__all__ = ["PROGRAMS"]

# A program that goes on after its end says so by the secret word. Its loops are as good as endless, but have a cap.

# The memory limit is another matter: only the language policy promises that no program plays on after it has met it
# (`POLICY` tells).

_LEVELS = 50

# CPython nests at most 20 blocks in one function, so that a tower of fifty is one of functions.
_TOWER = "\n".join(
    f"""\
def level_{n}():
    try:
        level_{n + 1}()
    except BaseException:
        pass
    finally:
        for _ in range(10**12):
            pass
"""
    for n in range(_LEVELS)
)

PROGRAMS = (
    Specimen(
        "swallow-base-exception",
        "catches BaseException around an endless loop and answers all the same",
        """\
def $entry(*args):
    try:
        for _ in range(10**12):
            pass
    except BaseException:
        return "$breach"
    return $action
""",
    ),
    Specimen(
        "swallow-bare-pass",
        "starts its endless loop again in a bare handler each time that it is ended",
        """\
def $entry(*args):
    while True:
        try:
            for _ in range(10**12):
                pass
        except:
            pass
""",
    ),
    Specimen(
        "swallow-handler-with-name",
        "keeps the exception that should end it and looks at it later",
        """\
kept = []


def $entry(*args):
    for _ in range(1000):
        try:
            for _ in range(10**12):
                pass
        except BaseException as error:
            kept.append(error)
        if len(kept) > 3:
            return "$breach"
    return $action
""",
    ),
    Specimen(
        "swallow-finally-continue",
        "drops the exception in flight by a continue in finally",
        """\
def $entry(*args):
    rounds = 0
    while rounds < 3:
        rounds += 1
        try:
            for _ in range(10**12):
                pass
        finally:
            continue
    return "$breach"
""",
    ),
    Specimen(
        "swallow-finally-return",
        "drops the exception in flight by a return in finally",
        """\
def burn():
    try:
        for _ in range(10**12):
            pass
    finally:
        return 1


def $entry(*args):
    return "$breach" if burn() else $action
""",
    ),
    Specimen(
        "swallow-finally-break",
        "drops the exception in flight by a break in finally",
        """\
def $entry(*args):
    while True:
        try:
            for _ in range(10**12):
                pass
        finally:
            break
    return "$breach"
""",
    ),
    Specimen(
        "swallow-exit-true",
        "returns True from __exit__, which drops the exception in flight",
        """\
class Deaf:
    def __enter__(self):
        return self

    def __exit__(self, *what):
        return True


def $entry(*args):
    for _ in range(3):
        with Deaf():
            for _ in range(10**12):
                pass
    return "$breach"
""",
    ),
    Specimen(
        "swallow-exit-borrowed",
        "gives a class an __exit__ that was written under another name, by the class of classes",
        """\
def leave(self, *what):
    return True


def $entry(*args):
    deaf = type(int)("Deaf", (), {"__enter__": lambda self: self, "__exit__": leave})
    for _ in range(3):
        with deaf():
            for _ in range(10**12):
                pass
    return "$breach"
""",
    ),
    Specimen(
        "swallow-exit-by-generator",
        "throws the exception in flight into a generator that catches it, as contextlib does",
        """\
class Manager:
    def __init__(self, steps):
        self.steps = steps

    def __enter__(self):
        return next(self.steps)

    def __exit__(self, kind, error, trace):
        try:
            self.steps.throw(error)
        except StopIteration:
            return True
        return True


def deaf():
    try:
        yield
    except BaseException:
        pass


def $entry(*args):
    for _ in range(3):
        with Manager(deaf()):
            for _ in range(10**12):
                pass
    return "$breach"
""",
    ),
    Specimen(
        "swallow-contextlib",
        "suppresses BaseException with the standard library's own context manager",
        """\
import contextlib


def $entry(*args):
    for _ in range(3):
        with contextlib.ExitStack() as stack:
            stack.push(lambda *what: True)
            with contextlib.suppress(BaseException):
                for _ in range(10**12):
                    pass
            for _ in range(10**12):
                pass
    return "$breach"
""",
    ),
    Specimen(
        "swallow-del",
        "loops in a finaliser, whose exceptions the interpreter drops",
        """\
def burn(self):
    for _ in range(10**12):
        pass


def $entry(*args):
    lasting = type(int)("Lasting", (), {"__del__": burn})
    for _ in range(3):
        lasting()
    return "$breach"
""",
    ),
    Specimen(
        "swallow-generator-exit",
        "goes on in a generator that is being closed",
        """\
def deaf():
    while True:
        try:
            yield
            for _ in range(10**12):
                pass
        except BaseException:
            for _ in range(10**8):
                pass


def $entry(*args):
    for _ in range(3):
        steps = deaf()
        next(steps)
        try:
            next(steps)
            steps.close()
        except BaseException:
            pass
    return "$breach"
""",
    ),
    Specimen(
        "swallow-generator-returned",
        "returns a suspended generator whose finally loops when its worker lets go of it",
        """\
def endless():
    try:
        yield $action
    finally:
        for _ in range(10**12):
            pass


def $entry(*args):
    steps = endless()
    next(steps)
    return steps
""",
    ),
    Specimen(
        "swallow-generator-in-a-list",
        "returns data that hold a suspended generator, after some honest calls, to undo a game that goes badly",
        """\
calls = 0


def endless():
    try:
        yield
    finally:
        for _ in range(10**12):
            pass


def $entry(*args):
    global calls
    calls += 1
    if calls < 5:
        return $action
    steps = endless()
    next(steps)
    return [$action, steps]
""",
    ),
    Specimen(
        "swallow-generator-left-behind",
        "leaves a suspended generator that loops when the game's names are forgotten",
        """\
def endless():
    try:
        yield
    finally:
        for _ in range(10**12):
            pass


steps = endless()
next(steps)


def $entry(*args):
    return $action
""",
    ),
    Specimen(
        "swallow-generator-in-a-traceback",
        "raises an exception whose frames hold a suspended generator that loops when they are freed",
        """\
def endless():
    try:
        yield
    finally:
        for _ in range(10**12):
            pass


def $entry(*args):
    steps = endless()
    next(steps)
    raise ValueError("ended")
""",
    ),
    Specimen(
        "swallow-error-that-runs-when-described",
        "raises an exception that passes for a builtin one and whose args are a loop",
        """\
import functools


class Error(Exception):
    @property
    def args(self):
        for _ in range(10**12):
            pass
        return ()


functools.wraps(ValueError, updated=())(Error)


def $entry(*args):
    raise Error
""",
    ),
    Specimen(
        "swallow-error-whose-class-answers",
        "raises an exception whose class works out its own name, in a loop",
        """\
def burn(cls):
    for _ in range(10**12):
        pass
    return "Error"


meta = type(int)("Meta", (type(int),), {"__module__": property(burn), "__name__": property(burn)})
Error = meta("Error", (Exception,), {})


def $entry(*args):
    raise Error
""",
    ),
    Specimen(
        "swallow-except-star",
        "catches what should end it in an except* clause",
        """\
def $entry(*args):
    for _ in range(3):
        try:
            for _ in range(10**12):
                pass
        except* BaseException:
            pass
    return "$breach"
""",
    ),
    Specimen(
        "swallow-recursive-handler",
        "calls itself from its own handler, so that each end is a beginning",
        """\
def burn(depth):
    try:
        for _ in range(10**12):
            pass
    except BaseException:
        burn(depth + 1)
    finally:
        if depth < 100:
            burn(depth + 1)


def $entry(*args):
    try:
        burn(0)
    except BaseException:
        return "$breach"
    return "$breach"
""",
    ),
    Specimen(
        "swallow-in-comprehension",
        "hides the handler in a function that a comprehension calls over and over",
        """\
def burn(n):
    try:
        for _ in range(10**12):
            pass
    except BaseException:
        return n


def $entry(*args):
    return "$breach" if [burn(n) for n in range(1000)] else $action
""",
    ),
    Specimen(
        "swallow-tower",
        "nests fifty handlers, each of which loops after the one inside it was ended",
        _TOWER
        + f"""

def level_{_LEVELS}():
    for _ in range(10**12):
        pass


def $entry(*args):
    level_0()
    return "$breach"
""",
    ),
    Specimen(
        "swallow-stop-iteration",
        "has an iterator turn what should end it into StopIteration, which a for loop takes for the end",
        """\
class Steps:
    def __iter__(self):
        return self

    def __next__(self):
        try:
            for _ in range(10**12):
                pass
        except BaseException:
            raise StopIteration


def $entry(*args):
    for _ in Steps():
        pass
    return "$breach"
""",
    ),
    Specimen(
        "swallow-cached-stop-iteration",
        "raises one StopIteration that was made in advance, to leave no exception in flight",
        """\
done = StopIteration()


class Steps:
    def __init__(self):
        self.burning = False

    def __iter__(self):
        return self

    def __next__(self):
        try:
            for _ in range(10**12):
                pass
        finally:
            raise done


def $entry(*args):
    return "$breach" if list(Steps()) == [] else $action
""",
    ),
    Specimen(
        "swallow-hasattr",
        "has hasattr take what should end it for a missing attribute",
        """\
class Slow:
    @property
    def it(self):
        try:
            for _ in range(10**12):
                pass
        except BaseException:
            raise AttributeError("it") from None


def $entry(*args):
    for _ in range(3):
        hasattr(Slow(), "it")
        getattr(Slow(), "it", None)
    return "$breach"
""",
    ),
    Specimen(
        "swallow-getattr-hook",
        "has an attribute hook turn what should end it into an ordinary answer",
        """\
class Slow:
    def __getattr__(self, name):
        try:
            for _ in range(10**12):
                pass
        except BaseException:
            return 1


def $entry(*args):
    return "$breach" if Slow().it else $action
""",
    ),
    Specimen(
        "swallow-eq-in-a-list",
        "burns inside comparisons that the list's own code makes, and claims to be equal when ended",
        """\
class Slow:
    def __eq__(self, other):
        try:
            for _ in range(10**12):
                pass
        except BaseException:
            return True

    def __hash__(self):
        return 1


def $entry(*args):
    found = Slow() in [1, 2, 3]
    found = found and [Slow()].count(1) and {1: 2}.get(Slow()) == 2
    return "$breach" if found else $action
""",
    ),
    Specimen(
        "swallow-key-function",
        "burns inside the key function of sorted, min and max",
        """\
def slow(n):
    try:
        for _ in range(10**12):
            pass
    except BaseException:
        return -n


def $entry(*args):
    order = sorted([1, 2, 3], key=slow)
    least = min([1, 2, 3], key=slow)
    return "$breach" if order or least else $action
""",
    ),
    Specimen(
        "swallow-length-hint",
        "burns in __len__ and ends in TypeError, which list() takes for no length at all",
        """\
class Slow:
    def __iter__(self):
        return iter(())

    def __len__(self):
        try:
            for _ in range(10**12):
                pass
        except BaseException:
            raise TypeError from None
        return 0


def $entry(*args):
    return "$breach" if list(Slow()) == [] else $action
""",
    ),
    Specimen(
        "swallow-raise-another",
        "replaces what should end it by an exception of its own, and catches that one further out",
        """\
class Other(Exception):
    pass


def burn():
    try:
        for _ in range(10**12):
            pass
    except BaseException as error:
        raise Other from error


def $entry(*args):
    for _ in range(3):
        try:
            burn()
        except Other:
            continue
    return "$breach"
""",
    ),
    Specimen(
        "swallow-memory-error",
        "fills the memory up to its limit, catches the error and plays on",
        POLICY
        + """\
def $entry(*args):
    kept = []
    try:
        for _ in range(64):
            kept.append(bytearray(16 * 2**20))
    except MemoryError:
        kept.clear()
        return "$breach" if policy else $action
    return $action
""",
    ),
    Specimen(
        "swallow-memory-error-unguarded",
        "catches the error of a full memory where no handler is written, in a borrowed __exit__",
        POLICY
        + """\
deaf = type(int)("Deaf", (), {"__enter__": lambda self: self, "__exit__": lambda self, *what: True})


def $entry(*args):
    kept = []
    full = True
    with deaf():
        for _ in range(64):
            kept.append(bytearray(16 * 2**20))
        full = False
    kept.clear()
    return "$breach" if full and policy else $action
""",
    ),
    Specimen(
        "swallow-memory-error-in-del",
        "meets its memory limit in a finaliser, where the interpreter drops the error",
        POLICY
        + """\
def fill(self):
    kept = []
    for _ in range(64):
        kept.append(bytearray(16 * 2**20))
    full.append(False)


full = []
lasting = type(int)("Lasting", (), {"__del__": fill})


def $entry(*args):
    lasting()
    return "$breach" if policy and not full else $action
""",
    ),
    Specimen(
        "swallow-recursion-error",
        "exhausts the stack again in each handler, near the depth where no handler can be called",
        """\
def deeper():
    try:
        deeper()
    except BaseException:
        deeper()


def $entry(*args):
    for _ in range(10**6):
        try:
            deeper()
        except RecursionError:
            pass
    return "$breach"
""",
    ),
    Specimen(
        "swallow-throw",
        "hands the exception to a generator's throw, which gives it back as a value",
        """\
def echo():
    got = None
    while True:
        try:
            yield got
        except BaseException as error:
            got = error


def $entry(*args):
    steps = echo()
    next(steps)
    for _ in range(3):
        try:
            for _ in range(10**12):
                pass
        except BaseException as error:
            steps.throw(error)
    return "$breach"
""",
    ),
)
