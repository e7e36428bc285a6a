"""Documents on disk that appear whole or never."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO

import orjson

__all__ = ["FORMAT", "read_document", "scratch_beside", "write_document", "written_whole"]

_JSON = orjson.OPT_SERIALIZE_NUMPY | orjson.OPT_APPEND_NEWLINE | orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS

FORMAT = 1
"""Version of the layout of a run's folder; a folder of another version is refused."""


@contextlib.contextmanager
def written_whole(path: Path) -> Iterator[BinaryIO]:
    """Open a file that appears at `path` whole when the block ends well, and not at all otherwise."""
    scratch = scratch_beside(path)
    try:
        with scratch.open("wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        scratch.replace(path)
    finally:
        scratch.unlink(missing_ok=True)


def scratch_beside(path: Path) -> Path:
    """A name beside `path` that no other process writes to; process numbers repeat on other hosts."""
    return path.with_name(f".{path.name}.{os.urandom(6).hex()}.tmp")


def write_document(path: Path, document: dict[str, Any]) -> None:
    """Write a JSON document so that `path` holds all of it or does not exist.

    Raises
    ------
    OSError
        The folder is full or read-only; nothing that was there before is lost.
    """
    with written_whole(path) as file:
        file.write(orjson.dumps(document, option=_JSON))


def read_document(path: Path, holds: Mapping[str, type] | None = None) -> dict[str, Any]:
    """Read a JSON document written by `write_document`.

    Parameters
    ----------
    holds : mapping of str to type, optional
        Entries that it must have, and of which type.

    Raises
    ------
    ValueError
        The file is not such a document, or was written in another version of the format.
    """
    try:
        document = orjson.loads(path.read_bytes())
    except orjson.JSONDecodeError as error:
        raise ValueError(f"{path}: not a mobench document ({error}); delete its folder to run it again") from None
    if not isinstance(document, dict) or document.get("format") != FORMAT:
        found = document.get("format") if isinstance(document, dict) else None
        raise ValueError(
            f"{path}: written in format {found}, this mobench reads format {FORMAT}; "
            "use the mobench version that made it, or another results folder"
        )
    for key, kind in (holds or {}).items():
        if not isinstance(document.get(key), kind):
            raise ValueError(f"{path}: damaged, {key!r} is {document.get(key)!r}; delete its folder to run it again")
    return document
