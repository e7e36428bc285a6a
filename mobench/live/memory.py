"""A full memory, of a GPU or of the machine, said in one line that names the cure."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch


@contextmanager
def enough_memory(device: str) -> Iterator[None]:
    """Turn torch's errors of a full memory into one line.

    Raises
    ------
    MemoryError
        Where torch found too little memory on the device.
    """
    try:
        yield
    except RuntimeError as error:
        on_cpu = any(words in str(error) for words in ("can't allocate memory", "not enough memory"))
        if not (on_cpu or isinstance(error, torch.OutOfMemoryError)):
            raise
        raise MemoryError(f"{device}: out of memory; use a smaller batch or fewer channels") from None
