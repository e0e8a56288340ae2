"""Work beside other work."""

import contextlib
import threading
from collections.abc import Callable, Iterator

__all__ = ["in_background"]


@contextlib.contextmanager
def in_background(work: Callable[[threading.Event], None]) -> Iterator[None]:
    """Do `work` in a thread until the end of the block, which sets the event."""
    end = threading.Event()
    thread = threading.Thread(target=work, args=(end,))
    thread.start()
    try:
        yield
    finally:
        end.set()
        thread.join()
