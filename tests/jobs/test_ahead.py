"""Results that threads compute ahead are yielded in order, and none are computed needlessly."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from labelmaps.jobs.ahead import in_order


def test_answers_come_in_the_order_of_what_was_asked_and_no_more_is_asked_than_is_told():
    """The first result is the last to be computed."""
    taken, third = [], threading.Event()

    def answer(i):
        if i == 2:
            third.set()
        return third.wait(timeout=30) and -i

    with ThreadPoolExecutor(3) as pool:
        answers = in_order(pool, answer, ((taken.append(i) or i,) for i in range(5)), ahead=3)
        assert next(answers) == 0
        assert taken == [0, 1, 2]
        assert list(answers) == [-1, -2, -3, -4]
        assert list(in_order(pool, answer, [], ahead=3)) == []


def test_after_a_failure_nothing_more_is_asked():
    asked = []

    def fail(i):
        asked.append(i)
        threading.Event().wait(0.02)
        raise InterruptedError

    with ThreadPoolExecutor(1) as pool, pytest.raises(InterruptedError):
        list(in_order(pool, fail, ((i,) for i in range(100)), ahead=50))
    assert len(asked) < 50


def test_where_there_are_no_more_items_after_a_failure_what_waits_is_not_asked():
    asked = []

    def answer(i):
        asked.append(i)
        threading.Event().wait(0.05)

    def items():
        yield from ((i,) for i in range(20))
        raise InterruptedError

    with ThreadPoolExecutor(1) as pool, pytest.raises(InterruptedError):
        list(in_order(pool, answer, items(), ahead=50))
    assert len(asked) < 20
