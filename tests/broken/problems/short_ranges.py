"""Its ranges leave out what half of the space scores."""

from ._grid import Grid


class Broken(Grid):
    @property
    def ranges(self):
        F = self.score(self.space.all())
        return F.min(axis=0), (F.min(axis=0) + F.max(axis=0)) / 2


def problem():
    return Broken()
