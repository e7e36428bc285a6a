"""A full memory, of a GPU or of the machine, said in one line that names the cure."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch


def check_room(needed: float, device: str, what: str) -> None:
    """Refuse what would not fit on a GPU, before it is computed; elsewhere memory can be had from the disk.

    Parameters
    ----------
    needed : float
        Bytes.
    what : str
        What needs them, as the message begins.

    Raises
    ------
    MemoryError
        Less is free, what torch holds and does not use included.
    """
    place = torch.device(device)
    if place.type != "cuda":
        return
    free = torch.cuda.mem_get_info(place)[0] + torch.cuda.memory_reserved(place) - torch.cuda.memory_allocated(place)
    if needed > free:
        raise MemoryError(
            f"{device}: {what} keeps about {needed / 2**30:.3g} GiB, and {free / 2**30:.3g} GiB are free; use a "
            "smaller batch, fewer channels, or a relaxation that computes one operation an edge, as score and gdas do"
        )


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
