"""Its proxies cost more than trainings."""

import numpy as np

from mobench import Values

from ._grid import Grid


class Dear(Grid):
    proxy_names = ("hint",)

    def proxies(self, X, *, names):
        price = {"flops": 1e9, "seconds": 1e9}
        return Values(np.asarray(X)[:, :1] ** 2 % 3 * 1.0, **price)


def problem():
    return Dear()
