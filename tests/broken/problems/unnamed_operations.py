"""Its supernet's genes have other numbers of operations than its space."""

from mobench import make_problem

from ._grid import Grid


class Broken(Grid):
    operations = (("a", "b", "c"),) * 2

    def supernet(self, *, charge, seed):
        return make_problem("bilevel_toys", {}).supernet(charge=charge, seed=seed)


def problem():
    return Broken()
