"""Template families of word problems."""

from __future__ import annotations

from fractions import Fraction

from envrl.envs.math.draw import Draw
from envrl.envs.math.family import FRACTION, INTEGER, Family, Parameters

__all__ = ["FAMILIES"]


def _purchase(draw: Draw, level: int) -> Parameters:
    high, most = (20, 99, 999)[level - 1], (6, 12, 40)[level - 1]
    price, other = draw.integers(2, high, 2)
    count, more = draw.integers(2, most, 2)
    return price, count, other, more, price * count + other * more + draw.integer(1, 100)


def _trains(draw: Draw, level: int) -> Parameters:
    first, second = draw.integers(40, (90, 160, 300)[level - 1], 2)
    start = draw.integer(0, level)
    return first * start + draw.integer(100, (500, 900, 3_000)[level - 1]), first, second, start


def _ages(draw: Draw, level: int) -> Parameters:
    times, age, years = draw.integer(2, 3 + level), draw.integer(3, 15 * level), draw.integer(1, 12)
    return times, years, (times + 1) * age + 2 * years


def _animals(draw: Draw, level: int) -> Parameters:
    hens, rabbits = draw.integers(2, (40, 400, 90_000)[level - 1], 2)
    return hens + rabbits, 2 * hens + 4 * rabbits


def _hours(draw: Draw, level: int) -> Parameters:
    regular = draw.integer(30, 42)
    return (
        regular + draw.integer(1, 5 + 10 * level),
        draw.integer(11, (30, 90, 400)[level - 1]),
        regular,
        draw.integer(1, 19) * 5,
    )


def _clock_angle(hour: int, minute: int) -> Fraction:
    apart = abs(Fraction(60 * hour - 11 * minute, 2)) % 360
    return min(apart, 360 - apart)


def _tank(draw: Draw, level: int) -> Parameters:
    leak = draw.integer(1, 12 * level)
    return draw.integer(100, 900 * 10 ** (level - 1)), leak + draw.integer(3, 40 * level), leak


FAMILIES = (
    Family(
        name="change",
        area="word problems",
        parameters={
            "price": "of one notebook, in dollars",
            "count": "of notebooks",
            "other": "price of one pen, in dollars",
            "more": "number of pens",
            "paid": "what is paid, in dollars",
        },
        asks="the change that the buyer gets back",
        returns=INTEGER,
        grading="prices up to 20, 99, 999",
        sample=_purchase,
        answer=lambda price, count, other, more, paid: int(paid - price * count - other * more),
        phrasings=(
            "Mia buys {count} notebooks at {price} dollars each and {more} pens at {other} dollars each. She pays with "
            "{paid} dollars. How many dollars does she get back?",
            "Pens cost {other} dollars and notebooks {price}. After buying {more} pens and {count} notebooks, how many "
            "of his {paid} dollars does Tom have left?",
        ),
        program="return paid - price * count - other * more",
        example=(3, 2, 1, 4, 20),
    ),
    Family(
        name="meeting_trains",
        area="word problems",
        parameters={
            "distance": "between the towns, in km",
            "first": "speed of the first train, in km/h",
            "second": "speed of the second train, in km/h",
            "start": "by how many hours the first leaves earlier",
        },
        asks="how many hours after the second train has left the two meet",
        returns=FRACTION,
        grading="speeds up to 90, 160, 300; up to 1, 2, 3 hours earlier",
        sample=_trains,
        answer=lambda distance, first, second, start: Fraction(distance - first * start, first + second),
        phrasings=(
            "Two towns are {distance} km apart. A train leaves the first for the second at {first} km/h; {start} hours "
            "later another leaves the second for the first at {second} km/h. How many hours after the second train "
            "has left do they meet?",
            "A train at {second} km/h sets out {start} hours later than one at {first} km/h, which comes to meet it "
            "from a town {distance} km away. How long, in hours, does the later one travel until they meet?",
        ),
        program="return (distance - first * start, first + second)",
        example=(300, 60, 90, 1),
    ),
    Family(
        name="work_together",
        area="word problems",
        parameters={"a": "hours that the first needs alone", "b": "hours that the second needs alone"},
        asks="how many hours both need together",
        returns=FRACTION,
        grading="up to 20, 99, 999 hours",
        sample=lambda draw, level: tuple(draw.integers(2, (20, 99, 999)[level - 1], 2)),
        answer=lambda a, b: Fraction(a * b, a + b),
        phrasings=(
            "Ana paints a fence in {a} hours, Ben in {b} hours. How many hours do they need together?",
            "One pump empties a pool in {a} hours, another in {b}. Both run at once. After how many hours is it empty?",
        ),
        program="return (a * b, a + b)",
        example=(3, 6),
    ),
    Family(
        name="mixture",
        area="word problems",
        parameters={
            "volume": "litres of the first solution",
            "percent": "of salt in it",
            "other": "litres of the second solution",
            "strength": "percent of salt in that",
        },
        asks="the percentage of salt in the mixture, as a number from 0 to 100",
        returns=FRACTION,
        grading="volumes up to 20, 99, 999",
        sample=lambda draw, level: (
            draw.integer(1, (20, 99, 999)[level - 1]),
            draw.integer(1, 60),
            draw.integer(1, (20, 99, 999)[level - 1]),
            draw.integer(1, 60),
        ),
        answer=lambda volume, percent, other, strength: Fraction(volume * percent + other * strength, volume + other),
        phrasings=(
            "{volume} litres of a solution with {percent} % salt are mixed with {other} litres of one with {strength} "
            "%. What percentage of salt does the mixture have?",
            "To {volume} litres that hold {percent} percent of salt, {other} litres are poured that hold {strength} "
            "percent. How many percent of salt does the result hold?",
        ),
        program="return (volume * percent + other * strength, volume + other)",
        example=(2, 10, 3, 20),
    ),
    Family(
        name="ages",
        area="word problems",
        parameters={
            "times": "how many times as old the mother is now as her child",
            "years": "from now",
            "total": "of both ages then",
        },
        asks="the age of the child now",
        returns=INTEGER,
        grading="children up to 15, 30, 45",
        sample=_ages,
        answer=lambda times, years, total: int((total - 2 * years) // (times + 1)),
        phrasings=(
            "A mother is {times} times as old as her child. In {years} years they will be {total} years old together. "
            "How old is the child now?",
            "In {years} years the ages of Lea and her mother will add up to {total}. Today the mother is {times} times "
            "as old as Lea. How old is Lea today?",
        ),
        program="return (total - 2 * years) // (times + 1)",
        example=(4, 5, 60),
    ),
    Family(
        name="heads_and_legs",
        area="word problems",
        parameters={"heads": "of hens and rabbits together", "legs": "of hens and rabbits together"},
        asks="the number of rabbits",
        returns=INTEGER,
        grading="up to 40, 400, 90 000 of a kind",
        sample=_animals,
        answer=lambda heads, legs: int(legs // 2 - heads),
        phrasings=(
            "Hens and rabbits in a yard have {heads} heads and {legs} legs. How many rabbits are there?",
            "A park has {heads} bicycles and four-wheeled carts with {legs} wheels in all. How many carts are there?",
        ),
        program="return legs // 2 - heads",
        example=(5, 14),
    ),
    Family(
        name="overtime",
        area="word problems",
        parameters={
            "hours": "worked in the week",
            "wage": "dollars an hour",
            "regular": "hours that are paid at that wage",
            "extra": "percent that each hour above is paid more",
        },
        asks="the pay of the week in dollars",
        returns=FRACTION,
        grading="wages up to 30, 90, 400; up to 15, 25, 35 hours above",
        sample=_hours,
        answer=lambda hours, wage, regular, extra: (
            wage * regular + Fraction(wage * (hours - regular) * (100 + extra), 100)
        ),
        phrasings=(
            "Noa earns {wage} dollars an hour for the first {regular} hours of a week and {extra} percent more for "
            "each hour above. This week it was {hours} hours. How many dollars is that?",
        ),
        program="return (100 * wage * regular + wage * (hours - regular) * (100 + extra), 100)",
        example=(42, 10, 40, 50),
    ),
    Family(
        name="clock_angle",
        area="word problems",
        parameters={"hour": "from 1 to 12", "minute": "from 0 to 59"},
        asks="the smaller angle between the hands of the clock, in degrees",
        returns=FRACTION,
        grading="full fives of minutes; any minute; any minute",
        sample=lambda draw, level: (
            draw.integer(1, 12),
            5 * draw.integer(0, 11) if level == 1 else draw.integer(0, 59),
        ),
        answer=_clock_angle,
        phrasings=(
            "A clock shows {minute} minutes past {hour}. What is the smaller angle between its hands, in degrees?",
        ),
        program="angle = abs(60 * hour - 11 * minute) % 720\nreturn (min(angle, 720 - angle), 2)",
        example=(3, 30),
    ),
    Family(
        name="savings",
        area="word problems",
        parameters={"deposit": "dollars at the start", "percent": "interest a year", "years": "how many"},
        asks="the exact balance in dollars when each year's interest earns interest too",
        returns=FRACTION,
        grading="2, 3, 5 years",
        sample=lambda draw, level: (100 * draw.integer(1, 90), draw.integer(1, 20), (2, 3, 5)[level - 1]),
        answer=lambda deposit, percent, years: deposit * Fraction(100 + percent, 100) ** years,
        phrasings=(
            "{deposit} dollars are put into a bank at {percent} percent interest a year, compounded yearly. What is "
            "the balance after {years} years, in dollars?",
        ),
        program="return (deposit * (100 + percent) ** years, 100 ** years)",
        example=(100, 10, 2),
    ),
    Family(
        name="leaking_tank",
        area="word problems",
        parameters={
            "volume": "of the empty tank, in litres",
            "inflow": "litres a minute that flow in",
            "leak": "litres a minute that leak out",
        },
        asks="how many minutes the tank needs to fill",
        returns=FRACTION,
        grading="volumes up to 900, 9 000, 90 000",
        sample=_tank,
        answer=lambda volume, inflow, leak: Fraction(volume, inflow - leak),
        phrasings=(
            "An empty tank holds {volume} litres. {inflow} litres a minute flow in while {leak} leak out. After how "
            "many minutes is it full?",
        ),
        program="return (volume, inflow - leak)",
        example=(100, 12, 2),
    ),
)
