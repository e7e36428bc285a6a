"""What plugins of one package share."""

import numpy as np
from numpy.typing import NDArray


def climbed(X: NDArray[np.int64]) -> NDArray[np.int64]:
    """Steps climbed before the first pause, `(n,)`, of architectures `(n, d)`."""
    return np.cumprod(X > 0, axis=1).sum(axis=1)
