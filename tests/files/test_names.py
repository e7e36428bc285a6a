"""Labels as names of files: different ones never share a file, plain ones stay as they are, none is too long."""

import itertools
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mobench.files.names import slug
from mobench.plugins.references import describe

NAMES = st.from_regex(r"[a-z_][a-z0-9_]{0,5}", fullmatch=True)
VALUES = st.one_of(st.integers(), st.floats(allow_nan=False), st.booleans(), st.text("ab=,:-.x/é [", max_size=6))


@pytest.mark.parametrize(
    "label",
    [
        *("catsum", "random_search", "t-one", "v1.2", "x" * 80),
        *("nsga2:population=50", "lotz:bits=14", "a:rate=-0.5,seed=3", "spos:lr=1e-05"),
    ],
)
def test_names_that_were_plain_stay_as_they_are(label):
    assert slug(label) == label.replace(":", "-").replace(",", "-")


@pytest.mark.parametrize(
    "labels",
    [
        ("t/one", "t-one", "t one", "t:one", "-t-one", "t-one.", "t--one"),
        ("größe", "grösse", "gr-e", "grüße"),
        ("данные", "数据", "-", ".", "", "x", "\ud800"),
        ("a:b=x,c=2", "a:b=x-c=2", "a-b=x:c=2", "a-b=x-c=2", "a:b=x-c,=2"),
        ("a:b=[1,2]", "a:b=[12]", "a:b=1-2", "a:b=1,2"),
        ("n" * 81, "n" * 82, "n" * 300 + "a", "n" * 300 + "b"),
        ("a:x=-1", "a:x=--1", "a:x-=1", "a:x=1-"),
    ],
)
def test_labels_that_differ_never_share_a_name(labels):
    names = [slug(label) for label in labels]
    assert len(set(names)) == len(labels), names


def test_a_label_that_looks_like_the_name_of_another_one_gets_a_name_of_its_own():
    assert slug(slug("t/one")) != slug("t/one")


@given(st.text(max_size=300))
def test_every_label_has_a_name_that_any_system_takes(label):
    assert re.fullmatch(r"[A-Za-z0-9_=][A-Za-z0-9_.=-]{0,79}", slug(label))


@given(st.lists(st.tuples(NAMES, st.dictionaries(NAMES, VALUES, max_size=3)), min_size=2, max_size=2))
def test_plugins_with_any_options_share_a_name_only_where_they_share_the_label(references):
    labels = [describe(name, options) for name, options in references]
    for one, other in itertools.combinations(labels, 2):
        assert (slug(one) == slug(other)) == (one == other)
