"""A report as one HTML file that opens from disk, and stays small whatever was recorded."""

from __future__ import annotations

import re
from collections.abc import Container, Mapping, Sequence
from pathlib import Path
from typing import Any

import jinja2
import numpy as np
from markupsafe import Markup, escape

from mobench.core.messages import plain
from mobench.files.names import slug
from mobench.report.front_panels import Front, view_front
from mobench.report.grid import Grid, view_grid
from mobench.report.page import Beside, Block, Code, Drawing, Folded, Leaf, Pair, Section, Text, leaves
from mobench.report.tables import Table, endings
from mobench.report.thinning import level, thinned

__all__ = ["ASSETS", "LIMIT", "render"]

ASSETS = Path(__file__).with_name("assets")

LIMIT = 2_800_000
"""Bytes that all blocks of a page may take together: with what is around them it stays below 3 MB."""


CAPTION = 500
"""Bytes that are left of a figure that is not on the page."""

ATTEMPTS = 4
"""Times that blocks are thinned at most: few rows and short texts do not get smaller."""


def render(
    title: str, subtitle: str, sections: Sequence[Section], *, table_folder: str = "tables", limit: int = LIMIT
) -> str:
    """The page: no network, no other file; everything given is escaped.

    Where blocks would take more than `limit` bytes together, the largest of them are thinned to one size, and say so,
    those of open sections last: see `mobench.report.thinning.thinned`.

    Parameters
    ----------
    title, subtitle : str
        The head of the page.
    sections : sequence of Section
        In order, their titles different from each other.
    table_folder : str
        Where the tables' files lie, seen from the page.
    limit : int
        Bytes that the blocks may take together.

    Returns
    -------
    str
        HTML.
    """
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(ASSETS), autoescape=True, undefined=jinja2.StrictUndefined
    )
    environment.filters["breakable"] = _breakable
    template: Any = environment.get_template("blocks.html").module
    places = {id(leaf): (place, leaf) for place, leaf in enumerate(leaves(sections))}
    drawn = {key: template.block(_view(leaf, place, table_folder)) for key, (place, leaf) in places.items()}
    sizes = {key: (leaf, _size(drawn[key])) for key, (_, leaf) in places.items()}
    first = {id(leaf) for leaf in leaves([section for section in sections if section.open])}
    whole, room = dict(drawn), limit
    for _ in range(ATTEMPTS):
        shares = _shares(sizes, room, first)
        smaller = {key: thinned(places[key][1], share) for key, share in shares.items()}
        drawn = whole | {
            key: template.block(_view(leaf, places[key][0], table_folder)) for key, leaf in smaller.items()
        }
        over = sum(map(_size, drawn.values())) - limit
        if over <= 0:
            break
        room -= over  # some blocks became less small than they were asked to
    views = [_section(section, drawn, template) for section in sections]
    names = {"style": "page.css", "theme": "theme.js", "script": "page.js"}
    assets = {key: Markup((ASSETS / name).read_text(encoding="utf-8")) for key, name in names.items()}
    page = environment.get_template("page.html").render(title=title, subtitle=subtitle, sections=views, **assets)
    return plain(page, most=len(page))


def _size(text: str) -> int:
    return len(text.encode())


def _shares(sizes: Mapping[int, tuple[Leaf, int]], limit: int, first: Container[int] = ()) -> dict[int, float]:
    """Which blocks have to become smaller, and how small.

    What is on the `first` screen stays unless it alone takes half of the room. Figures are there or not: the smallest
    ones are, as many as half of the room takes, or all that the others leave.
    """
    leading = sum(size for key, (_, size) in sizes.items() if key in first)
    left = limit - leading if leading <= limit / 2 else limit
    pool = {key: size for key, (_, size) in sizes.items() if left == limit or key not in first}
    figures = sorted((key for key in pool if isinstance(sizes[key][0], Drawing)), key=pool.__getitem__)
    room = max(left / 2, left - sum(size for key, size in pool.items() if key not in figures))
    gone = {}
    for key in figures:
        size = pool.pop(key)
        if size > room:
            gone[key], size = 0.0, min(size, CAPTION)
        room, left = room - size, left - size
    most = level(list(pool.values()), max(left, 0))
    return gone | {key: most / size for key, size in pool.items() if size > most}


def _breakable(text: str) -> Markup:
    """The text, escaped, in which a line may end after colons, commas and underscores: labels with options are long."""
    return Markup(re.sub(r"([:,_])(?=\S)", r"\1<wbr>", str(escape(text))))


def _section(section: Section, drawn: Mapping[int, Markup], template: Any, above: str = "") -> dict[str, Any]:
    name = above + slug(section.title).lower()
    inner = [_section(part, drawn, template, f"{name}-") for part in section.sections]
    blocks = [_composed(block, drawn, template) for block in section.blocks]
    return {"id": name, "title": section.title, "open": section.open, "blocks": blocks, "sections": inner}


def _composed(block: Block, drawn: Mapping[int, Markup], template: Any) -> Markup:
    """A block with the blocks within it, which are drawn already."""
    match block:
        case Folded() | Pair():
            inner = [_composed(b, drawn, template) for b in block.blocks]
            html = template.folded(block.title, inner) if isinstance(block, Folded) else template.pair(inner)
        case Beside():
            first, second = ([_composed(b, drawn, template) for b in part] for part in (block.first, block.second))
            html = template.beside(first, second)
        case _:
            return drawn[id(block)]
    return Markup(html)


def _view(block: Leaf, place: int, folder: str) -> dict[str, Any]:
    """What the template reads; inner names of the figure at one place stay apart from those of others."""
    match block:
        case Text():
            return {"kind": "text", "tone": block.tone, "lines": block.lines, "bullets": block.items}
        case Code():
            return {"kind": "code", "text": block.text}
        case Table():
            return _table(block, folder)
        case Front():
            return {"kind": "front"} | view_front(block)
        case Grid():
            return {"kind": "grid"} | view_grid(block)
        case Drawing():
            view = {"kind": "figure", "caption": block.caption, "files": block.files}
            return view | _svg(block, f"f{place}-")


def _table(table: Table, folder: str) -> dict[str, Any]:
    columns = []
    shown = [name for name in table.columns if name not in table.filed]
    for name in shown:
        number = table.is_number(name)
        values = table.frame[name].to_numpy()
        columns.append([_cell(t, v, number, name) for t, v in zip(table.texts(name), values, strict=True)])
    rows = [{"cells": cells, "best": i in table.best} for i, cells in enumerate(zip(*columns, strict=True))]
    return {
        "kind": "table",
        "id": f"table-{slug(table.name)}",
        "caption": table.caption,
        "columns": [{"title": table.title(name), "number": table.is_number(name)} for name in shown],
        "rows": rows,
        "files": [f"{folder}/{table.name}.{ending}" for ending in endings()],
    }


def _cell(text: str, value: Any, number: bool, column: str) -> dict[str, Any]:
    """A cell: what it shows, by what it is sorted (None: by its text), and its look."""
    if not number:
        mark = text if column == "state" else "long" if len(text) > 40 else ""
        return {"text": text, "value": None, "mark": mark}
    key = "" if np.isnan(value) else f"{value:.10g}".replace("inf", "Infinity")  # as JavaScript writes it
    return {"text": text, "value": None if key == text else key, "mark": "number"}


def _svg(drawing: Drawing, prefix: str) -> dict[str, Any]:
    """A figure within the page: it scales, its ground shows the page's, its inner names get `prefix`."""
    if not drawing.svg:
        return {"svg": "", "narrow": True}
    text = drawing.svg[drawing.svg.index("<svg") + 4 :]
    text = re.sub(r"<metadata>.*?</metadata>", "", text, flags=re.DOTALL)
    head, rest = text.split(">", 1)
    width = float(re.search(r'viewBox="0 0 ([0-9.]+)', head)[1])  # type: ignore[index] # matplotlib writes it always
    head = re.sub(r' (width|height)="[^"]*"', "", head)
    rest = re.sub(r'(\sid="|url\(#|href="#)', rf"\g<1>{prefix}", rest).replace('style="fill: #ffffff"', 'fill="none"')
    rest = re.sub(r' (?:d|x|y)="[^"]*"', lambda found: _rounded(found[0]), rest)
    label = Markup('<svg role="img" aria-label="{}"').format(drawing.alt)
    return {"svg": label + Markup(f"{head}>{rest}"), "narrow": width < 300}


def _rounded(path: str) -> str:
    """Coordinates to a hundredth of a point, a line each no more."""
    return re.sub(r"(\.\d\d)\d+", r"\1", path).replace("\n", " ")
