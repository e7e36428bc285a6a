"""The front is everything."""

from ._grid import Grid


class Broken(Grid):
    def front(self):
        X = self.space.all()
        return X, self.score(X)


def problem():
    return Broken()
