"""How figures show names: short, in lines, and letter by letter where they are no mathematics."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable

from matplotlib.figure import Figure
from matplotlib.mathtext import MathTextParser
from matplotlib.table import Cell
from matplotlib.text import Text

from mobench.core.messages import plain

__all__ = ["LONGEST", "folded", "short_names", "shorten", "spell_out"]

LONGEST = 36
"""Letters of a searcher's label that figures show whole."""
PARSER = MathTextParser("path")
"""It remembers what it has read."""


def folded(label: str, most: int, *, after: str = ":,") -> str:
    """A label or a written form in lines of at most about `most` letters, cut after colons and commas, or others."""
    lines = [""]
    for part in re.split(f"(?<=[{re.escape(after)}])", label):
        if lines[-1] and len(lines[-1]) + len(part) > most:
            lines.append("")
        lines[-1] += part
    return "\n".join(lines)


def spell_out(figure: Figure) -> None:
    """Show names letter by letter where what stands between their dollars is no mathematics, which ends no figure.

    Letters that steer terminals are spelt out: an SVG that held them would not be one.
    """
    for ax in figure.axes:
        ax.get_xticklabels(), ax.get_yticklabels()  # they are made when they are asked for
    for text in _texts(figure):
        if (shown := plain(text.get_text())) != text.get_text():
            text.set_text(shown)
        if "$" in text.get_text():
            try:
                [PARSER.parse(line) for line in text.get_text().splitlines()]
            except ValueError:
                text.set_parse_math(False)


def _texts(figure: Figure) -> list[Text]:
    """All texts of a figure, those in the cells of tables too, which are no children of theirs."""
    return [*figure.findobj(Text), *(cell.get_text() for cell in figure.findobj(Cell))]


def short_names(labels: Iterable[str]) -> dict[str, str]:
    """Labels to what figures call them: of paths in long ones the file, and of what is longer still both ends.

    Examples
    --------
    >>> short_names(["nsga2:start=/data/of/an/earlier/campaign/best.csv", "random_search"])
    {'nsga2:start=/data/of/an/earlier/campaign/best.csv': 'nsga2:start=…/best.csv', 'random_search': 'random_search'}
    """
    found = {label: label for label in labels}
    for label in (label for label in found if len(label) > LONGEST):
        whole = re.sub(r"=[^,=]*/(?=[^,/])", "=…/", label)
        for number in itertools.count(1):
            mark = f" #{number}" if number > 1 else ""  # of labels that differ in what is not shown
            room = LONGEST - len(mark)
            name = (whole if len(whole) <= room else f"{whole[: room // 2]}…{whole[room // 2 + 1 - room :]}") + mark
            if name not in found.values():
                break
        found[label] = name
    return found


def shorten(figure: Figure, labels: Iterable[str]) -> None:
    """Show `labels` as `short_names` has them, in lines where they head a panel, so that they leave room for it."""
    names = short_names(labels)
    long = sorted((label for label, name in names.items() if name != label), key=len, reverse=True)
    whole = re.compile("|".join(map(re.escape, long)) or "(?!)")

    def short(text: Text) -> str:
        return whole.sub(lambda match: names[match[0]], text.get_text())

    for axis in (axis for ax in figure.axes for axis in (ax.xaxis, ax.yaxis)):
        ticks = axis.get_ticklabels()
        if any(
            short(tick) != tick.get_text() for tick in ticks
        ):  # texts of ticks are made anew whenever they are drawn
            axis.set_ticks(axis.get_ticklocs(), [short(tick) for tick in ticks])
    for text in _texts(figure):
        text.set_text(short(text))
    for ax in figure.axes if len(figure.axes) > 1 else ():
        lines = ax.get_title().splitlines()
        ax.title.set_text(
            "\n".join(folded(line, 26, after=":,=…") if line in names.values() else line for line in lines)
        )
