"""Names that readers see: one stands for one searcher, in as many versions as there are."""

import pytest

from mobench.campaigns.labels import parse_labels, shown_names


def test_versions_of_one_searcher_may_share_a_name_and_keep_their_digits():
    known = ["ours@5b92", "ours", "nsga2"]
    assert list(shown_names(known, {"ours": "Ours"}).values()) == ["Ours@5b92", "Ours", "nsga2"]


@pytest.mark.parametrize(
    ("known", "names"),
    [
        (["climb@592c", "random_search"], {"climb": "A", "random_search": "A"}),
        (["climb@592c", "random_search"], {"climb": "random_search"}),
        (["climb@592c", "climb@592c:batch=5"], {"climb": "A", "climb:batch=5": "A"}),
        (["ours@5b92", "ours", "theirs@77aa"], {"ours": "A", "theirs": "A"}),
    ],
)
def test_two_searchers_have_no_name_in_common_whatever_versions_they_have(known, names):
    with pytest.raises(ValueError, match="would both be called"):
        shown_names(known, names)


def test_letters_of_any_script_and_signs_may_be_in_a_name():
    for name in ("我们的", "Ours – β≤½ (🙂)", "<b>&", "$\\alpha$", "a\u00a0b"):
        assert parse_labels([f"nsga2={name}"]) == {"nsga2": name}
