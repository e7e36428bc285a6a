"""What a report's page is made of: sections of blocks, some within others."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from mobench.report.front_panels import Front
from mobench.report.grid import Grid
from mobench.report.tables import Table

__all__ = ["Beside", "Block", "Code", "Drawing", "Folded", "Leaf", "Pair", "Section", "Text", "leaves"]


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


@dataclass(frozen=True)
class Beside:
    """What is read first, and beside it, where there is room, what is looked at."""

    first: tuple[Block, ...]
    second: tuple[Block, ...]

    @property
    def blocks(self) -> tuple[Block, ...]:
        """All of them."""
        return (*self.first, *self.second)


Leaf = Text | Code | Drawing | Front | Grid | Table
Block = Leaf | Folded | Pair | Beside


@dataclass(frozen=True)
class Section:
    """A part of the page, folded unless it is `open`; its sections lie one deep."""

    title: str
    blocks: tuple[Block, ...]
    sections: tuple[Section, ...] = ()
    open: bool = False


def leaves(parts: Sequence[Block | Section]) -> Iterator[Leaf]:
    """Every block within sections and blocks that holds no others."""
    for part in parts:
        if isinstance(part, Section):
            yield from leaves([*part.blocks, *part.sections])
        elif isinstance(part, Folded | Pair | Beside):
            yield from leaves(part.blocks)
        else:
            yield part
