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


def held_by_items(sizes, room, ahead=100):
    """The sizes whose answers are computed or waiting, together, each time an item has been asked."""
    held, most, lock = [], [], threading.Lock()

    def answer(size):
        with lock:
            held.append(size)
            most.append(sum(held))
        return size

    with ThreadPoolExecutor(1) as pool:
        for size in in_order(pool, answer, ((size,) for size in sizes), ahead, lambda size: size, room):
            with lock:
                held.remove(size)
    return most


def test_answers_take_no_more_room_together_than_there_is():
    sizes = [3, 3, 3, 1, 1, 1, 1, 9, 2, 2, 2, 2, 2]
    most = held_by_items(sizes, room=6)
    assert len(most) == len(sizes)
    assert max(most) == 9 + 0  # which alone is larger than the room, and comes alone
    assert max(total for size, total in zip(sizes, most, strict=True) if size < 9) <= 6
    assert held_by_items([1] * 20, room=1, ahead=8) == [1] * 20
    assert max(held_by_items([1] * 50, room=float("inf"), ahead=8)) <= 9


@pytest.mark.parametrize("room", [0.5, 2, 7, 1e9])
def test_the_order_is_kept_however_much_room_there_is(room):
    random = [(7 * i) % 5 + 1 for i in range(40)]
    with ThreadPoolExecutor(3) as pool:
        answers = in_order(pool, lambda size: size, ((size,) for size in random), 8, lambda size: size, room)
        assert list(answers) == random
