"""Equal passes on a GPU: which kernels cuDNN may take."""

from __future__ import annotations

import torch


def choose_repeatable_kernels(device: str) -> None:
    """Have cuDNN take deterministic kernels, and time none to choose among them, in this process from now on.

    A backward pass runs when its searcher asks for it, long after the forward pass, so that no block could hold the
    choice. Nothing happens for other devices than CUDA.
    """
    if torch.device(device).type == "cuda":
        torch.backends.cudnn.deterministic = True
        torch.backends.cudnn.benchmark = False
