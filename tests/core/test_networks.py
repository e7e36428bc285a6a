"""Networks say what their genes are: a padded alpha has a mask, and what is no network is refused in words."""

import pytest

import mobench
from mobench import (
    CategoricalNetwork,
    CategoricalSupernet,
    ContinuousNetwork,
    ContinuousSupernet,
    Run,
    Space,
    Supernet,
    operation_mask,
)
from mobench.core.networks import check_network
from mobench.plugins.plugin import as_plugin, missing
from mobench.plugins.references import parse_reference

TOYS = "bilevel_toys"
WORDS = "CategoricalSupernet (a supernet whose genes choose among named operations)"


def toy(name):
    return mobench.make_problem(TOYS, {"name": name})


def test_each_genes_own_operations_come_first_in_a_padded_row():
    mask = operation_mask((("a", "b", "c"), ("a",), ("b", "d")))
    assert mask.tolist() == [[True, True, True], [True, False, False], [True, True, False]]
    assert operation_mask((("a", "b"),) * 4).all()


@pytest.mark.parametrize(("name", "categorical"), [("ridgenet", True), ("ragged", True), ("quadratic", False)])
def test_problems_and_networks_are_of_one_kind_and_say_the_same(name, categorical):
    problem = toy(name)
    network = problem.supernet(charge=lambda flops: None, seed=0)
    assert isinstance(problem, Supernet)
    assert isinstance(problem, CategoricalSupernet) == isinstance(network, CategoricalNetwork) == categorical
    assert isinstance(problem, ContinuousSupernet) == isinstance(network, ContinuousNetwork) == (not categorical)
    if categorical:
        assert problem.operations == network.operations
        assert tuple(map(len, problem.operations)) == problem.space.cardinalities
        assert network.initial_alpha().shape == operation_mask(problem.operations).shape
    else:
        assert (problem.low, problem.high) == (network.low, network.high)
        assert network.initial_alpha().ndim == 1


@pytest.mark.parametrize("name", ["motif", "motif:objectives=[flops,params]"])
def test_motif_names_its_operations_without_opening_its_supernet(name):
    problem = mobench.make_problem(*parse_reference(name))
    assert isinstance(problem, CategoricalSupernet)
    assert tuple(map(len, problem.operations)) == problem.space.cardinalities == (5,) * 6


class Bare:
    """Lacks nearly everything."""

    operations = (("a", "b"),)

    def supernet(self, *, charge, seed):
        return Bare()


def test_what_is_no_network_is_refused_with_what_it_lacks():
    with pytest.raises(TypeError, match=r"expected a CategoricalNetwork or .* lacks costs, discretise, drawn, init"):
        check_network(Bare(), Space((2,)))
    network = toy("ridgenet").supernet(charge=lambda flops: None, seed=0)
    del network.operations
    with pytest.raises(TypeError, match=r"lacks `operations` \(genes that choose\), or `low` and `high` \(a vector\)"):
        check_network(network, Space((4, 4, 4)))


def test_a_network_of_other_genes_than_the_space_is_refused_at_the_door():
    network = toy("ragged").supernet(charge=lambda flops: None, seed=0)
    problem = toy("ridgenet")
    check_network(network, toy("ragged").space)
    with pytest.raises(ValueError, match=r"its genes have \(3, 4, 2\) operations, .* \(4, 4, 4\)"):
        check_network(network, problem.space)
    object.__setattr__(problem, "supernet", lambda *, charge, seed: network)
    with pytest.raises(ValueError, match="name each gene's operations"):
        _ = Run(problem, limit=mobench.Cost(1, 1, 1, 1)).supernet


def test_what_is_missing_is_said_in_words():
    def search(run):
        """Needs much."""

    class Wordless:
        pass

    Wordless.__doc__ = None
    search.needs = (Supernet, CategoricalSupernet, Wordless)
    assert missing(as_plugin("searcher", "search", search), toy("quadratic")) == (WORDS, "Wordless")
    assert missing(as_plugin("searcher", "search", search), toy("ragged")) == ("Wordless",)
