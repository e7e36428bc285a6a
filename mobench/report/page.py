"""A report as one HTML file that opens from disk: what a page is made of, and its writer."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jinja2
import numpy as np
from markupsafe import Markup, escape

from mobench.core.messages import plain
from mobench.files.names import slug
from mobench.report.front_panels import Front, view_front
from mobench.report.tables import Table, endings

__all__ = ["Block", "Code", "Drawing", "Folded", "Pair", "Section", "Text", "render"]

ASSETS = Path(__file__).with_name("assets")


@dataclass(frozen=True)
class Text:
    """Paragraphs, and a list below them; `tone` is ``""``, ``answer``, ``warning`` or ``failure``."""

    lines: tuple[str, ...]
    tone: str = ""
    items: tuple[str, ...] = ()


@dataclass(frozen=True)
class Code:
    """Something to type, or a traceback."""

    text: str


@dataclass(frozen=True)
class Drawing:
    """A figure (SVG as matplotlib writes it), what it shows, the same for those who cannot see it, and its files."""

    svg: str
    caption: str
    alt: str
    files: tuple[str, ...] = ()


@dataclass(frozen=True)
class Folded:
    """Blocks behind a line that opens them."""

    title: str
    blocks: tuple[Block, ...]


@dataclass(frozen=True)
class Pair:
    """Blocks side by side where there is room."""

    blocks: tuple[Block, ...]


Block = Text | Code | Drawing | Front | Folded | Pair | Table


@dataclass(frozen=True)
class Section:
    """A part of the page; its sections lie one deep."""

    title: str
    blocks: tuple[Block, ...]
    sections: tuple[Section, ...] = ()


def render(title: str, subtitle: str, sections: Sequence[Section], *, table_folder: str = "tables") -> str:
    """The page: no network, no other file; everything given is escaped.

    Parameters
    ----------
    title, subtitle : str
        The head of the page.
    sections : sequence of Section
        In order, their titles different from each other.
    table_folder : str
        Where the tables' files lie, seen from the page.

    Returns
    -------
    str
        HTML.
    """
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(ASSETS), autoescape=True, undefined=jinja2.StrictUndefined
    )
    environment.filters["breakable"] = _breakable
    writer = _Writer(table_folder)
    views = [writer.section(section) for section in sections]
    names = {"style": "page.css", "theme": "theme.js", "script": "page.js"}
    assets = {key: Markup((ASSETS / name).read_text(encoding="utf-8")) for key, name in names.items()}
    page = environment.get_template("page.html").render(title=title, subtitle=subtitle, sections=views, **assets)
    return plain(page, most=len(page))


def _breakable(text: str) -> Markup:
    """The text, escaped, in which a line may end after colons and commas: labels with options are long."""
    return Markup(re.sub(r"([:,])(?=\S)", r"\1<wbr>", str(escape(text))))


class _Writer:
    """Turns blocks into what the template reads; counts figures, so that their inner names stay apart."""

    def __init__(self, table_folder: str) -> None:
        self.table_folder = table_folder
        self.figures = 0

    def section(self, section: Section, above: str = "") -> dict[str, Any]:
        name = above + slug(section.title).lower()
        inner = [self.section(part, f"{name}-") for part in section.sections]
        blocks = [self.block(block) for block in section.blocks]
        return {"id": name, "title": section.title, "blocks": blocks, "sections": inner}

    def block(self, block: Block) -> dict[str, Any]:
        match block:
            case Text():
                return {"kind": "text", "tone": block.tone, "lines": block.lines, "bullets": block.items}
            case Code():
                return {"kind": "code", "text": block.text}
            case Table():
                return _table(block, self.table_folder)
            case Front():
                return {"kind": "front"} | view_front(block)
            case Drawing():
                self.figures += 1
                view = {"kind": "figure", "caption": block.caption, "files": block.files}
                return view | _svg(block, f"f{self.figures}-")
            case Folded():
                return {"kind": "folded", "title": block.title, "blocks": [self.block(b) for b in block.blocks]}
            case Pair():
                return {"kind": "pair", "blocks": [self.block(b) for b in block.blocks]}


def _table(table: Table, folder: str) -> dict[str, Any]:
    columns = []
    for name in table.columns:
        number = table.is_number(name)
        values = table.frame[name].to_numpy()
        columns.append([_cell(t, v, number, name) for t, v in zip(table.texts(name), values, strict=True)])
    rows = [{"cells": cells, "best": i in table.best} for i, cells in enumerate(zip(*columns, strict=True))]
    return {
        "kind": "table",
        "id": f"table-{slug(table.name)}",
        "caption": table.caption,
        "columns": [{"title": table.title(name), "number": table.is_number(name)} for name in table.columns],
        "rows": rows,
        "files": [f"{folder}/{table.name}.{ending}" for ending in endings()],
    }


def _cell(text: str, value: Any, number: bool, column: str) -> dict[str, Any]:
    """A cell: what it shows, by what it is sorted (None: by its text), and its look."""
    if not number:
        mark = text if column == "state" else "long" if len(text) > 40 else ""
        return {"text": text, "value": None, "mark": mark}
    key = "" if np.isnan(value) else f"{value:.12g}".replace("inf", "Infinity")  # as JavaScript writes it
    return {"text": text, "value": key, "mark": ""}


def _svg(drawing: Drawing, prefix: str) -> dict[str, Any]:
    """A figure within the page: it scales, its ground shows the page's, its inner names get `prefix`."""
    text = drawing.svg[drawing.svg.index("<svg") + 4 :]
    text = re.sub(r"<metadata>.*?</metadata>", "", text, flags=re.DOTALL)
    head, rest = text.split(">", 1)
    width = float(re.search(r'viewBox="0 0 ([0-9.]+)', head)[1])  # type: ignore[index] # matplotlib writes it always
    head = re.sub(r' (width|height)="[^"]*"', "", head)
    rest = re.sub(r'(\sid="|url\(#|href="#)', rf"\g<1>{prefix}", rest).replace('style="fill: #ffffff"', 'fill="none"')
    label = Markup('<svg role="img" aria-label="{}"').format(drawing.alt)
    return {"svg": label + Markup(f"{head}>{rest}"), "narrow": width < 300}
