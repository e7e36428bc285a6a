"""Its proxy is the error itself, for nothing."""

import numpy as np

from mobench import Values

from ._grid import Grid


class Telling(Grid):
    proxy_names = ("hint",)

    def proxies(self, X, *, names):
        return Values(-2.0 * np.asarray(self.score(X))[:, :1])


def problem():
    return Telling()
