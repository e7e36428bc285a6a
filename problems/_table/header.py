"""The header of a table problem: a short TOML file that says which columns are what."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Annotated, Any, Literal

import pydantic
from annotated_types import MinLen

from mobench import nearest
from mobench.problems._table.words import line, short

Text = Annotated[str, MinLen(1)]


class _Part(pydantic.BaseModel):
    model_config = pydantic.ConfigDict(extra="forbid", strict=True, frozen=True)


class Gene(_Part):
    """A column of choices; `values` fixes their order, which is ascending without it."""

    column: Text
    name: str = ""
    values: Annotated[list[int | float | str], MinLen(1)] | None = None


class Criterion(_Part):
    """An objective: the columns that a searcher sees (several are trials) and the one that is scored."""

    name: Text
    unit: str = ""
    maximise: bool = False
    scale: Literal["linear", "log"] = "linear"
    limit: pydantic.FiniteFloat | None = None
    seen: (
        Annotated[list[Text], MinLen(1), pydantic.BeforeValidator(lambda v: [v] if isinstance(v, str) else v)] | None
    ) = None
    scored: Text | None = None

    @property
    def trials(self) -> list[str]:
        """Columns of what a searcher sees: those of `seen`, else the one that has the objective's name."""
        return self.seen or [self.name]


class Price(_Part):
    """Columns of what one training costs."""

    seconds: Text | None = None
    flops: Text | None = None


class Header(_Part):
    """All that a header may say."""

    data: Text
    columns: Annotated[list[Text], MinLen(1)] | None = None
    separator: Literal[",", ";", "\t", "|"] | None = None
    provenance: str = ""
    missing: Literal["refuse", "nearest"] = "refuse"
    missing_values: Literal["refuse", "drop"] = "refuse"
    label: Text | None = None
    trial: Text | None = None
    genes: list[Annotated[Gene, pydantic.BeforeValidator(lambda v: {"column": v} if isinstance(v, str) else v)]] = []
    objectives: Annotated[list[Criterion], MinLen(2)]
    cost: Price = Price()

    @property
    def texts(self) -> list[str]:
        """Columns whose cells are taken as they are written."""
        names = (*(gene.column for gene in self.genes), self.label, self.trial)
        return list(dict.fromkeys(name for name in names if name))

    @property
    def numbers(self) -> list[str]:
        """Columns whose cells are numbers."""
        names = [name for criterion in self.objectives for name in (*criterion.trials, criterion.scored)]
        return list(dict.fromkeys(name for name in (*names, self.cost.seconds, self.cost.flops) if name))


_PARTS: dict[object, type[_Part]] = {"genes": Gene, "objectives": Criterion, "cost": Price}


def read_header(path: Path) -> Header:
    """Read and validate a TOML header.

    Raises
    ------
    ValueError
        No such file, not UTF-8, not TOML, or not a header: one line that names every fault.
    """
    if path.exists() and not path.is_file():  # a device has no end, and a pipe waits
        raise ValueError(f"path: {str(path)!r} is no file; give the TOML header of a table")
    try:
        entries = tomllib.loads(path.read_bytes().decode("utf-8-sig"))
    except FileNotFoundError:
        raise ValueError(f"path: there is no file {str(path)!r}; give the TOML header of a table") from None
    except OSError as error:
        raise ValueError(f"path: {str(path)!r} cannot be read ({error.strerror})") from None
    except UnicodeDecodeError as error:
        raise ValueError(f"{path}: not UTF-8 text (byte {error.start}); `path` names the TOML header") from None
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise ValueError(f"{path}: not TOML ({line(error)}); `path` names the header, not the table") from None
    except ValueError as error:
        raise ValueError(f"path: {str(path)!r} is no file name ({error})") from None
    try:
        header = Header.model_validate(entries)
    except pydantic.ValidationError as error:
        raise ValueError(f"{path}: {'; '.join(_fault(entry) for entry in error.errors())}") from None
    _check_roles(path, header)
    return header


def _check_roles(path: Path, header: Header) -> None:
    """ValueError where one column is what it cannot be at once, such as a gene and a result of training it."""
    for criterion in header.objectives:
        if len({*criterion.trials}) < len(criterion.trials):
            raise ValueError(f"{path}: objectives: {criterion.name!r} names a column twice in `seen`; name each once")
    genes: list[str] = [gene.column for gene in header.genes]
    roles = {"genes": genes, "label": [header.label or ""], "trial": [header.trial or ""]}
    if header.trial and header.trial in (*genes, header.label):
        other = "a gene" if header.trial in genes else "the label"
        raise ValueError(
            f"{path}: trial: {header.trial!r} is {other}, too, of which all trials have one; leave one out"
        )
    for role, columns in roles.items():
        for column in columns:
            of = [criterion.name for criterion in header.objectives if column in (*criterion.trials, criterion.scored)]
            if column and of:
                raise ValueError(
                    f"{path}: {role}: {column!r} holds the objective {of[0]!r}, which is what training tells; leave it "
                    "out, or, where it is known before, copy the column under another name"
                )


def _fault(error: Any) -> str:
    """Say one pydantic error in words: where, what was expected, what was found."""
    *parents, last = error["loc"]
    where = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in error["loc"]).lstrip(".")
    if error["type"] == "extra_forbidden":
        known = _PARTS[parents[0]] if parents else Header
        inside = f" in {parents[0]}" if parents else ""
        return f"unknown key {str(last)!r}{inside}{nearest(str(last), known.model_fields)}"
    if error["type"] == "missing":
        return f"the key {where!r} is missing"
    reason = line(error["msg"][0].lower() + error["msg"][1:])
    return f"{where}: {reason}, found {short(error['input'])}"
