"""Searchers and problems by the names and in the order that readers are to see, in everything that was read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import pandas as pd

from mobench.campaigns.labels import check_labels, shown_names
from mobench.campaigns.study import Study
from mobench.scoring.outcome import Outcome

__all__ = ["arranged", "find_names", "labels_of", "renamed"]

KEYS = ("problem", "searcher")

Outcomes = dict[tuple[str, str, int], Outcome]


def find_names(study: Study, labels: Mapping[str, str], *, taken: str) -> dict[str, str]:
    """Label of each problem and searcher to what readers see of it.

    Parameters
    ----------
    study : Study
        With the names that its campaigns give.
    labels : mapping of str to str
        Names given besides, which count first.
    taken : str
        A name that nothing may have.

    Raises
    ------
    ValueError
        A label is unknown, or two would have one name.
    """
    check_labels(labels, [*study.problems, *study.searchers])
    names = {**study.labels.names, **labels}
    found: dict[str, str] = {}
    for known in (list(study.problems), list(study.searchers)):
        found |= shown_names(known, names)
    if taken in found.values():
        raise ValueError(f"label: nothing can be called {taken!r}; give another name")
    return found


def labels_of(given: Sequence[str], names: Mapping[str, str]) -> list[str]:
    """Labels of what people name by label or as it is shown."""
    plain = {shown: label for label, shown in names.items()}
    return [plain.get(name, name) for name in given]


def arranged(study: Study) -> Study:
    """The same runs in the order that their campaigns give problems and searchers."""
    if not study.labels.order:
        return study
    place = study.labels.place
    ordered = sorted(study.runs, key=lambda run: (place(run[0].problem_label), place(run[0].searcher_label)))
    return replace(study, runs=tuple(ordered))


def renamed(
    study: Study, scores: pd.DataFrame, curves: pd.DataFrame, outcomes: Outcomes, names: Mapping[str, str]
) -> tuple[Study, pd.DataFrame, pd.DataFrame, Outcomes]:
    """What was read under labels, under names."""
    if all(label == name for label, name in names.items()):
        return study, scores, curves, outcomes
    frames = [f.assign(**{c: f[c].map(lambda label: names.get(label, label)) for c in KEYS}) for f in (scores, curves)]
    left_out = tuple(
        replace(pair, problem=names.get(pair.problem, pair.problem), searcher=names.get(pair.searcher, pair.searcher))
        for pair in study.not_applicable
    )
    shown = {(names.get(p, p), names.get(s, s), seed): outcome for (p, s, seed), outcome in outcomes.items()}
    return replace(study, names=names, not_applicable=left_out), frames[0], frames[1], shown
