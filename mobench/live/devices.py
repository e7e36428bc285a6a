"""Whether a torch device can be used here, said in one line."""

from __future__ import annotations

import torch

__all__ = ["check_device"]


def check_device(device: str) -> None:
    """Refuse a device that is not there.

    Raises
    ------
    ValueError
        No name of a device, or of one that this machine or this build of torch does not have.
    """
    try:
        torch.empty(1, device=device).item()
    except (RuntimeError, AssertionError) as error:
        raise ValueError(f"device: {device!r} cannot be used here ({str(error).splitlines()[0]}); use cpu") from None
