"""What readers see of searchers and problems: a name of their own and a place in the order."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from mobench.core.messages import check_known, plain
from mobench.plugins.references import describe, unversioned

__all__ = ["KEYS", "Labels", "check_labels", "parse_labels", "read_labels", "shown_names"]

KEYS = ("label", "order")
"""Entries of a table that are about its looks, unless the plugin has an option of that name."""

LONGEST = 60
"""Letters of a name."""


@dataclass(frozen=True)
class Labels:
    """Names and places by label, without versions.

    Attributes
    ----------
    names : mapping of str to str
        What readers see instead.
    order : mapping of str to float
        The lower comes first, before all that have no place.
    """

    names: Mapping[str, str] = field(default_factory=dict)
    order: Mapping[str, float] = field(default_factory=dict)

    def over(self, other: Labels) -> Labels:
        """These, and of the other what is not among them."""
        return Labels({**other.names, **self.names}, {**other.order, **self.order})

    def without(self, labels: Iterable[str]) -> Labels:
        """These, but for some labels."""
        gone = set(labels)
        return Labels(
            {label: name for label, name in self.names.items() if label not in gone},
            {label: place for label, place in self.order.items() if label not in gone},
        )

    def place(self, label: str) -> float:
        """Where something stands."""
        return self.order.get(label, self.order.get(unversioned(label), float("inf")))

    @property
    def document(self) -> dict[str, Any]:
        """As plain data; empty where nothing is said."""
        return {"labels": dict(self.names), "order": dict(self.order)} if self.names or self.order else {}


def read_labels(items: Sequence[Any], references: Iterable[tuple[str, Mapping[str, Any]]]) -> Labels:
    """What the tables of a campaign say of the looks of these references.

    Raises
    ------
    TypeError, ValueError
        A label that is no text, or an order that is no number.
    """
    names, order = {}, {}
    for item, (name, options) in zip(items, references, strict=True):
        said = (
            {key: item[key] for key in KEYS if key in item and key not in options} if isinstance(item, Mapping) else {}
        )
        if "label" in said:
            names[describe(name, options)] = _name(said["label"])
        if "order" in said:
            order[describe(name, options)] = _place(said["order"])
    return Labels(names, order)


def parse_labels(texts: Iterable[str]) -> dict[str, str]:
    """Names as a command line gives them, ``LABEL=NAME``, cut at the last ``=``.

    Examples
    --------
    >>> parse_labels(["nsga2:population=50=Ours"])
    {'nsga2:population=50': 'Ours'}
    """
    found = {}
    for text in texts:
        label, equals, name = text.rpartition("=")
        if not (label and equals and name.strip()):
            raise ValueError(f"label: expected LABEL=NAME, as in nsga2:population=50=Ours, found {text!r}")
        found[label.strip()] = _name(name.strip())
    return found


def shown_names(known: Sequence[str], names: Mapping[str, str]) -> dict[str, str]:
    """Each label to what readers see of it. Where one name stands for several versions, they keep theirs.

    Parameters
    ----------
    known : sequence of str
        All labels of a study.
    names : mapping of str to str
        Label, with its version or without, to name; others than the known ones are of no account.

    Raises
    ------
    ValueError
        Two would have one name.
    """
    found = {label: names.get(label, names.get(unversioned(label), label)) for label in known}
    for name in dict.fromkeys(found.values()):
        _check_one(name, {unversioned(label) for label, other in found.items() if other == name})
    for label, name in list(found.items()):
        if label not in names and sum(other == name for other in found.values()) > 1 and "@" in label:
            found[label] = f"{name}@{label.partition('@')[2].partition(':')[0]}"
    for name in found.values():
        _check_one(name, {label for label, other in found.items() if other == name})
    return found


def _check_one(name: str, labels: set[str]) -> None:
    if len(labels) > 1:
        both = " and ".join(sorted(labels))
        raise ValueError(f"label: {both} would both be called {name!r}; give them different names")


def check_labels(names: Mapping[str, str], known: Sequence[str]) -> None:
    """ValueError where a name is for something that is not there (the nearest is offered)."""
    check_known("label", list(names), dict.fromkeys((*known, *map(unversioned, known))))


def _name(value: Any) -> str:
    if not isinstance(value, str) or not value.strip() or len(value) > LONGEST:
        raise ValueError(f"label: expected a text of 1 to {LONGEST} letters, found {value!r}")
    if (shown := plain(value)) != value or len(value.splitlines()) > 1 or "\t" in value:
        raise ValueError(f"label: expected letters of one line, found {shown!r} with others, which no page can show")
    return value


def _place(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or value != value:
        raise ValueError(f"order: expected a number, found {value!r}")
    return float(value)
