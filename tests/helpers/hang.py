"""A limit on the time of a test, after which whatever waits is taken to hang."""

import signal
from contextlib import contextmanager


@contextmanager
def stopped_after(seconds):
    """Fail in the block once it has taken so long."""

    def stop(number, frame):
        raise AssertionError("a reader hangs")

    before = signal.signal(signal.SIGALRM, stop)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)
