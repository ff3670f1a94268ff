"""A process whose parent is gone must not go on: it would answer, or observe, beside the one started in its place."""

from __future__ import annotations

import ctypes
import os
import signal
import sys
from typing import Final

_PR_SET_PDEATHSIG: Final = 1  # prctl(2)


def end_with_parent(parent: int, number: signal.Signals) -> None:
    """Let the kernel send this process a signal when its parent dies; to be called in the child (Linux; else nothing).

    To the kernel, the parent is the thread that started the process: it must live as long as the process shall.

    Args:
        parent: Process id of the parent; if it died before this was called, the signal is sent at once.
        number: Which signal.
    """
    if sys.platform != "linux":
        return
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, number)
    if os.getppid() != parent:
        os.kill(os.getpid(), number)
