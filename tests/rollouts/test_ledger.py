"""What is asked of a pool comes back, whatever is lost on the way."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from envrl.outcomes import Outcome
from envrl.rollouts import Assignment, Episode, Scorecard
from envrl.rollouts.ledger import Ledger

TRIES = 2


def assignment(number: int, games: int = 4) -> Assignment:
    indices = tuple(range(games))
    return Assignment(f"def strategy(): return {number}", indices, indices)


def card(of: Assignment) -> Scorecard:
    return Scorecard(source=of.source, episodes=tuple(Episode(index=i, outcome=Outcome.SUCCESS) for i in of.indices))


@given(
    asked=st.lists(st.tuples(st.integers(0, 9), st.integers(1, 600)), max_size=30),
    ahead=st.lists(st.tuples(st.integers(0, 9), st.integers(1, 600)), max_size=10),
    workers=st.integers(1, 5),
    data=st.data(),
)
def test_everything_comes_back_in_order_and_is_played_once(
    asked: list[tuple[int, int]], ahead: list[tuple[int, int]], workers: int, data: st.DataObject
) -> None:
    ledger = Ledger(workers, TRIES)
    wanted = [assignment(*one) for one in asked]
    ledger.ask([assignment(*one) for one in ahead])
    played: list[Assignment] = []
    flying = [chunk] if (chunk := ledger.next()) else []
    ledger.ask(wanted)
    losses: dict[Assignment, int] = {}
    finished = 0
    while ledger.open:
        while len(flying) < workers and (chunk := ledger.next()):
            flying.append(chunk)
        chunk = flying.pop(data.draw(st.integers(0, len(flying) - 1)))
        if data.draw(st.booleans()):
            for one in chunk:
                losses[one] = losses.get(one, 0) + 1
            finished += ledger.lose(chunk, "gone")
        else:
            played += chunk
            finished += len(chunk)
            ledger.bring(chunk, [card(one) for one in chunk])
    given_up = {one for one, count in losses.items() if count == TRIES}
    assert all(count <= TRIES for count in losses.values())
    assert finished == len({*wanted, *(assignment(*one) for one in ahead)})
    assert len(played) == len(set(played))
    cards = ledger.take(wanted)
    assert [c.source for c in cards] == [one.source for one in wanted]
    assert [c.infrastructure_error for c in cards] == [one in given_up for one in wanted]
    assert all(c.episodes[0].detail == "gone" for c in cards if c.infrastructure_error)


def test_all_referees_get_equal_shares() -> None:
    ledger = Ledger(3, TRIES)
    ledger.ask([assignment(number) for number in range(64)])
    sizes = []
    while chunk := ledger.next():
        sizes.append(len(chunk))
    assert sizes == [22, 22, 20]


def test_a_referee_that_is_busy_gets_so_much_less() -> None:
    ledger = Ledger(2, TRIES)
    ledger.ask([assignment(number) for number in range(12)])
    ahead = [*ledger.next(), *ledger.next()]
    assert len(ahead) == 12
    ledger.ask([assignment(number) for number in range(12, 64)])
    assert [len(ledger.next()), len(ledger.next())] == [32, 20]


def test_a_chunk_holds_no_more_games_than_its_loss_may_cost() -> None:
    ledger = Ledger(1, TRIES)
    ledger.ask([assignment(number, 512) for number in range(5)])
    assert [len(ledger.next()) for _ in range(3)] == [2, 2, 1]


def test_what_was_lost_comes_alone_so_that_others_do_not_pay_for_it() -> None:
    ledger = Ledger(1, TRIES)
    poison, *others = [assignment(number) for number in range(3)]
    ledger.ask([poison, *others])
    assert ledger.next() == [poison, *others]
    assert ledger.lose([poison, *others], "gone") == 0
    ledger.ask([late := assignment(3)])
    given = [ledger.next() for _ in range(4)]
    assert given == [[poison], [others[0]], [others[1]], [late]]
    assert ledger.lose([poison], "gone") == 1
    for chunk in given[1:]:
        ledger.bring(chunk, [card(one) for one in chunk])
    cards = ledger.take([poison, *others, late])
    assert [one.infrastructure_error for one in cards] == [True, False, False, False]


def test_what_was_played_ahead_is_told_and_not_played_again() -> None:
    ledger = Ledger(2, TRIES)
    one, two, three = (assignment(number) for number in range(3))
    assert ledger.ask([one, two]) == 0
    assert ledger.next() == [one]
    ledger.bring([one], [card(one)])
    assert ledger.ask([one, one, two, three]) == 1
    assert [ledger.next(), ledger.next()] == [[two], [three]]
    ledger.bring([two, three], [card(two), card(three)])
    assert not ledger.open
    assert ledger.take([three, one, one]) == [card(three), card(one), card(one)]


def test_cards_are_forgotten_when_they_are_taken() -> None:
    ledger = Ledger(1, TRIES)
    one = assignment(1)
    ledger.ask([one])
    ledger.bring(ledger.next(), [card(one)])
    ledger.take([one])
    assert ledger.ask([one]) == 0
    assert ledger.next() == [one]


def test_a_play_that_was_broken_off_leaves_nothing_to_wait_for() -> None:
    ledger = Ledger(1, TRIES)
    ledger.ask([assignment(number, 900) for number in range(3)])
    ledger.next()
    ledger.drop()
    assert not ledger.open
    assert not ledger.next()
