"""Fuzzing for a bounded time; what was found is kept in tests/fuzz/corpus and tried first the next time.

python -m tests.fuzz --seconds 60
"""

from __future__ import annotations

import argparse
import random
import sys
import time
from collections.abc import Callable
from pathlib import Path

from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis.database import DirectoryBasedExampleDatabase
from tests.fuzz.codec import any_bytes_are_a_reply_or_a_bad_frame, anything_like_a_reply_is_a_reply_or_a_bad_frame
from tests.fuzz.policy import accepted_programs_reach_nothing, instrumented

_CORPUS = Path(__file__).parent / "corpus"
_BATCH = 300


def _fuzz(name: str, make: Callable[[], Callable[[], None]], seconds: float, first: int) -> bool:
    """Tries a property with fresh seeds until the time is up; whether it held."""
    end, tried, number = time.monotonic() + seconds, 0, first
    while time.monotonic() < end:
        batch = settings(
            max_examples=_BATCH,
            deadline=None,
            database=DirectoryBasedExampleDatabase(_CORPUS / name),
            suppress_health_check=list(HealthCheck),
            phases=[Phase.reuse, Phase.generate, Phase.shrink],
            print_blob=True,
        )
        try:
            seed(number)(batch(make()))()
        except Exception as error:
            print(f"{name}: FAILED with seed {number}: {error!r}", *getattr(error, "__notes__", ()), sep="\n")
            return False
        tried, number = tried + _BATCH, number + 1
        print(f"{name}: {tried} examples, seed {number - 1}, nothing found", flush=True)
    return True


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=60.0, help="for all harnesses together")
    parser.add_argument("--seed", type=int, help="of the first batch; drawn unless given")
    arguments = parser.parse_args()
    first = random.SystemRandom().randrange(2**32) if arguments.seed is None else arguments.seed
    share = arguments.seconds / 4
    held = [
        _fuzz("codec-bytes", any_bytes_are_a_reply_or_a_bad_frame, share, first),
        _fuzz("codec-replies", anything_like_a_reply_is_a_reply_or_a_bad_frame, share, first),
    ]
    with instrumented() as sandbox:
        held.append(_fuzz("policy", lambda: accepted_programs_reach_nothing(sandbox), 2 * share, first))
    return 0 if all(held) else 1


if __name__ == "__main__":
    sys.exit(main())
