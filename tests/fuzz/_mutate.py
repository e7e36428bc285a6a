"""Mutations of real files: of their bytes, of their numbers, and of the trees that they hold."""

from __future__ import annotations

import copy
import re
from collections.abc import Sequence
from typing import Any

from hypothesis import strategies as st

NUMBERS = (
    *(b"-1", b"0", b"0.5", b"1e308", b"-1e308", b"1e400", b"5e-324", b"NaN", b"nan", b"inf", b"-inf", b"null", b"true"),
    *(b"2147483648", b"1000000000", b"1000000000000", b"9223372036854775808", b"18446744073709551616", b"1" * 40),
    *(b"9" * 5000, b'"x"', b'"../../x"', b"[]", b"{}", b"[[1]]", b"1979-05-27", b"0x7fffffffffffffff", b"[" * 3000),
)
"""What a number in a text is replaced by."""

LEAVES: tuple[Any, ...] = (
    *(None, True, -1, 0, 1, 2**31, 10**9, 10**12, 2**63 - 1, 2**63, 2**64 - 1, 0.5, -1e308, 1e308, 5e-324),
    *("", "x", "../../x", "/etc/passwd", "..", ".", "\x00", "\n", "a" * 5000, "\u202e\ufeff", "<script>", "$\\frac{"),
    *("{0.__class__}", "nsga2", "evaluations", [], [[]], [[[1]]], {}, {"name": "x"}, [1, "x"], [0] * 300, ["x", ["y"]]),
)
"""What a value in a tree is replaced by."""

Edit = tuple[float, int, int]
"""Where (a share of what there is), what is done, and with what."""

EDITS = st.lists(
    st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 7), st.integers(0, 10**6)), min_size=1, max_size=2
)


def mutated_bytes(content: bytes, edits: Sequence[Edit], fragments: Sequence[bytes] = ()) -> bytes:
    """Truncated, flipped, cut, doubled, spliced, or with other numbers; `fragments` are what is spliced in."""
    for place, action, choice in edits:
        at, span = int(place * len(content)), 1 + choice % 40
        match action:
            case 0:
                content = content[:at]
            case 1:
                content = content[:at] + bytes([content[at] ^ 1 << choice % 8 if content else 0]) + content[at + 1 :]
            case 2:
                content = content[:at] + content[at + span :]
            case 3:
                content = content[: at + span] + content[at:]
            case 4 | 5 if fragments:
                content = content[:at] + fragments[choice % len(fragments)] + content[at:]
            case _:
                content = _other_number(content, place, choice)
    return content


def _other_number(content: bytes, place: float, choice: int) -> bytes:
    found = list(re.finditer(rb"-?\d+(\.\d+)?([eE][-+]?\d+)?", content))
    if not found:
        return content
    match = found[int(place * len(found))]
    return content[: match.start()] + NUMBERS[choice % len(NUMBERS)] + content[match.end() :]


def mutated_tree(tree: Any, edits: Sequence[Edit], leaves: Sequence[Any] = LEAVES) -> Any:
    """A copy in which values are replaced, dropped, doubled, renamed, wrapped or exchanged."""
    root = [copy.deepcopy(tree)]
    for place, action, choice in edits:
        places = list(_places(root))
        inside, key = places[int(place * len(places))]
        leaf = copy.deepcopy(leaves[choice % len(leaves)])
        match action:
            case 0 if inside is not root:
                del inside[key]
            case 1 if isinstance(inside, dict):
                inside[leaf if isinstance(leaf, str) else str(leaf)] = inside.pop(key)
            case 2 if isinstance(inside, list) and inside is not root:
                inside.insert(key, copy.deepcopy(inside[key]))
            case 3:
                inside[key] = [inside[key]]
            case 4:
                other, name = places[choice % len(places)]
                inside[key] = copy.deepcopy(other[name])
            case _:
                inside[key] = leaf
    return root[0]


def _places(node: Any) -> Any:
    """Every place of a value in a tree: what it is in, and by which key."""
    keys = range(len(node)) if isinstance(node, list) else list(node) if isinstance(node, dict) else ()
    for key in keys:
        yield node, key
        yield from _places(node[key])
