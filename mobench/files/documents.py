"""Documents on disk that appear whole or never."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import orjson

from mobench.files.reading import read_file
from mobench.files.writing import written_whole

__all__ = ["FORMAT", "read_document", "write_document"]

_JSON = orjson.OPT_SERIALIZE_NUMPY | orjson.OPT_APPEND_NEWLINE | orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS

FORMAT = 1
"""Version of the layout of a run's folder; a folder of another version is refused."""


def write_document(path: Path, document: dict[str, Any], *, below: Path | None = None) -> None:
    """Write a JSON document so that `path` holds all of it or does not exist.

    Raises
    ------
    ValueError
        It holds a number that JSON cannot, infinity or NaN, which would be read back as nothing.
    OSError
        The folder is full or read-only; nothing that was there before is lost: see
        `mobench.files.writing.written_whole`, also for `below`.
    """
    text = orjson.dumps(document, option=_JSON)
    if b"null" in text and (odd := _not_finite(document)):  # orjson writes these as null
        raise ValueError(f"{path}: {odd}, which a document cannot hold; give a finite number, or leave it out")
    with written_whole(path, below=below) as file:
        file.write(text)


def _not_finite(value: Any, name: str = "") -> str:
    """The first number within that is not finite, and where it is; empty where there is none."""
    if isinstance(value, float) and not math.isfinite(value):
        return f"{name} is {value}"
    if isinstance(value, Mapping):
        parts = ((f"{name}.{key}".lstrip("."), item) for key, item in value.items())
    elif isinstance(value, list | tuple):
        parts = ((f"{name}[{i}]", item) for i, item in enumerate(value))
    else:
        return ""
    return next(filter(None, (_not_finite(item, where) for where, item in parts)), "")


def read_document(
    path: Path, holds: Mapping[str, type] | None = None, *, cure: str = "delete its folder to run it again"
) -> dict[str, Any]:
    """Read a JSON document written by `write_document`.

    Parameters
    ----------
    holds : mapping of str to type, optional
        Entries that it must have, and of which type.
    cure : str
        What helps where it is damaged, for messages.

    Raises
    ------
    ValueError
        The file is not such a document, or was written in another version of the format.
    """
    try:
        document = orjson.loads(read_file(path))
    except orjson.JSONDecodeError as error:
        raise ValueError(f"{path}: not a mobench document ({error}); {cure}") from None
    if not isinstance(document, dict) or document.get("format") != FORMAT:
        found = document.get("format") if isinstance(document, dict) else None
        raise ValueError(
            f"{path}: written in format {found}, this mobench reads format {FORMAT}; "
            "use the mobench version that made it, or another results folder"
        )
    for key, kind in (holds or {}).items():
        if not isinstance(document.get(key), kind):
            raise ValueError(f"{path}: damaged, {key!r} is {document.get(key)!r}; {cure}")
    return document
