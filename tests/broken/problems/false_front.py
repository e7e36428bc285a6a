"""The front is that of half of the space."""

from ._grid import Grid


class Broken(Grid):
    def front(self):
        X, _ = super().front()
        X[:, 1] = 1
        return X, self.score(X)


def problem():
    return Broken()
