"""Fuzzed: campaign files, the records of campaigns, runs and their logs, references, plugins' files, names."""

from __future__ import annotations

import functools
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
from _mutate import mutated_bytes, mutated_tree

import mobench.report.report  # noqa: F401 - matplotlib makes folders of its own when it is first imported
from mobench.analysis.collect import collect
from mobench.analysis.export import export
from mobench.analysis.provenance import ends
from mobench.analysis.verification import STAMP, check_run, read_stamp, write_stamp
from mobench.campaigns.reading import make_campaign, read_campaign
from mobench.campaigns.record import load_campaign, open_campaign
from mobench.campaigns.study import read_study
from mobench.cli.main import main
from mobench.harness.execute import execute
from mobench.harness.sealed import seal
from mobench.harness.spec import RunSpec, read_spec
from mobench.plugins.catalogue import find, make_problem
from mobench.plugins.options import check_options
from mobench.plugins.plugin_file import read_plugins
from mobench.plugins.references import parse_reference
from mobench.plugins.sources import Sources, in_use
from mobench.scoring.load import load

CAMPAIGN = b"""
name = "try"
problems = ["catsum", "lotz:bits=6", { name = "lotz", bits = 9 }]
searchers = ["random_search", { name = "nsga2", population = 8 }, "local_search"]
seeds = 3
budget = { evaluations = 40, asked = 400 }
contract = "mobench-1"
plugins = ["own.py"]
"""
PLUGIN = b'''"""Asks for a few."""
import pathlib
from ._shared import FACTOR
pathlib.Path("../executed").touch()


def search(run, *, batch: int = 2):
    while True:
        run.evaluate(run.space.sample(run.rng, batch * FACTOR))


def problem(*, size: int = 3):
    return None
'''
REFERENCES = (
    b"nsga2:population=50",
    b"lotz:bits=6",
    b"table:path=../x.toml",
    b"bilevel_toys:name=ridge",
    b"x:y=[a,[b,c]]",
)
WORDS = (
    "..",
    "../../x",
    "/tmp/x",
    "a/../../b",
    "\x00",
    "x" * 300,
    "-rf",
    ".hidden",
    "con",
    "~",
    "$HOME",
    "é",
    "a\nb",
    "",
)


def _plain(path: Path) -> None:
    """A run's folder is relative and stays where it is put."""
    assert not path.is_absolute()
    assert ".." not in path.parts
    assert all(0 < len(part) < 255 and "\0" not in part for part in path.parts)


def _write(home: Path, name: str, content: bytes) -> Path:
    path = home / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def campaign_file(home: Path, edits: Any) -> None:
    """A campaign's TOML file."""
    _write(home, "own.py", PLUGIN.replace(b"from ._shared", b"# from ._shared").replace(b"pathlib.Path", b"# "))
    path = _write(
        home, "try.toml", mutated_bytes(CAMPAIGN, edits, (b"[[problems]]\n", b'"', b"[", b"{", b"\n", b"..="))
    )
    campaign = read_campaign(path)
    for spec in campaign.specs[:20]:
        _plain(spec.folder)
    orjson.dumps(campaign.document)


@functools.cache
def whole_campaign(home: Path) -> Path:
    """A finished campaign with a plugin's record, made once."""
    folder = home.parent / "whole"
    campaign = make_campaign(
        {
            "problems": ["catsum", "lotz:bits=6"],
            "searchers": ["random_search", "nsga2:population=8"],
            "seeds": 1,
            "budget": 30,
        }
    )
    open_campaign(campaign, folder)
    for spec in campaign.specs:
        execute(spec, folder / "runs" / spec.folder)
    return folder


def _copied(home: Path) -> Path:
    folder = home / "results"
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(whole_campaign(home), folder)
    return folder


def record(home: Path, edits: Any) -> None:
    """The record of a campaign, ``campaign.json``: read without its plugins, whatever it names."""
    whole = orjson.loads((whole_campaign(home) / "campaign.json").read_bytes())
    whole["plugins"] = [{"path": str(_write(home, "results/evil.py", PLUGIN)), "checksum": "0"}]
    whole["searchers"] += [{"name": "evil"}]
    path = _write(home, "results/campaign.json", orjson.dumps(mutated_tree(whole, edits)))
    try:
        code = main(["status", str(path.parent)])
        assert code in (0, 2)
        for spec in load_campaign(path.parent).specs[:20]:
            _plain(spec.folder)
        read_study([path.parent])
    finally:
        assert not (home / "executed").exists()
        assert in_use().files == ()


def _each_run(home: Path) -> list[Path]:
    return sorted(path.parent for path in home.glob("results/runs/*/*/*/spec.json"))


def _forge(run: Path, lines: bytes, *, keep_end: bool) -> None:
    """Write a log that its digest does not give away: the end is made to match, or it is a run that goes on."""
    (run / "log.jsonl").write_bytes(lines)
    end = run / "end.json"
    if keep_end:
        end.write_bytes(orjson.dumps(orjson.loads(end.read_bytes()) | {"log": seal(lines)}))
    else:
        end.unlink()


def log(home: Path, edits: Any) -> None:
    """A run's log: as bytes where the first edit's place is in the lower half, else a line as a tree."""
    run = _each_run(_copied(home).parent)[edits[0][2] % 4]
    lines = (run / "log.jsonl").read_bytes()
    if edits[0][0] < 0.4:
        lines = mutated_bytes(
            lines, edits, (b"\n", b"{}\n", b'{"X":[[1,2]]}\n', b'{"recommend":[[0]]}\n', b'{"record":3}\n')
        )
    else:
        rows = [orjson.loads(line) for line in lines.splitlines()]
        lines = b"".join(orjson.dumps(row) + b"\n" for row in mutated_tree(rows, edits) if row is not None)
    _forge(run, lines, keep_end=edits[0][1] % 2 == 0)
    result = load(run)
    result.measures()
    for axis in ("evaluations", "seconds"):
        result.curve(axis=axis)
    result.front()


def verified(home: Path, edits: Any) -> None:
    """A forged log that its end was made to match, and a forged stamp: neither passes for what was verified."""
    folder = _copied(home)
    run = _each_run(home)[edits[0][2] % 4]
    rows = [orjson.loads(line) for line in (run / "log.jsonl").read_bytes().splitlines()]
    before = [row for row in rows if "X" in row]
    changed = [row for row in mutated_tree(rows, edits) if row is not None]
    _forge(run, b"".join(orjson.dumps(row) + b"\n" for row in changed), keep_end=True)
    found = check_run(read_spec(run / "spec.json"), run)
    answers = [row for row in changed if isinstance(row, dict) and "X" in row]
    if not found.fault and [row["F"] for row in answers] != [row["F"] for row in before]:
        assert [row["X"] for row in answers] != [row["X"] for row in before], "other answers of the same architectures"
    write_stamp(folder, [], {"runs": 4, "answers": 1, "replayed": 0, "faults": [], "left_out": []})
    stamp = orjson.loads((folder / STAMP).read_bytes())
    (folder / STAMP).write_bytes(orjson.dumps(mutated_tree(stamp, edits)))
    assert "\x1b" not in read_stamp(folder, [])
    if found.fault:
        raise ValueError(found.fault)


def documents(home: Path, edits: Any) -> None:
    """``spec.json`` and ``end.json``, and everything that reads them."""
    folder = _copied(home)
    run = _each_run(home)[edits[0][2] % 4]
    path = run / ("spec.json" if edits[0][1] % 2 else "end.json")
    path.write_bytes(orjson.dumps(mutated_tree(orjson.loads(path.read_bytes()), edits)))
    for read in (read_spec, load):
        try:
            found = read(run / "spec.json" if read is read_spec else run)
        except ValueError:
            continue
        if isinstance(found, RunSpec):
            _plain(found.folder)
    study = read_study([folder if edits[0][0] < 0.5 else run])
    ends(study.runs)
    collect(study)


def exported(home: Path, edits: Any) -> None:
    """Exports of runs whose log was damaged."""
    run = _each_run(_copied(home).parent)[edits[0][2] % 4]
    _forge(run, mutated_bytes((run / "log.jsonl").read_bytes(), edits), keep_end=edits[0][1] % 2 == 0)
    for form in ("csv", "ioh"):
        listing, *_ = export(read_study([run]), home / "out", format=form)
        if ",damaged," in listing.read_text(encoding="utf-8"):
            raise ValueError("refused: a row without numbers, and the export goes on")


def resumed(home: Path, edits: Any) -> None:
    """An unfinished run whose log was damaged goes on, fails in good order, or is refused."""
    run = _each_run(_copied(home).parent)[edits[0][2] % 4]
    (run / "end.json").unlink()
    lines = (run / "log.jsonl").read_bytes()
    (run / "log.jsonl").write_bytes(mutated_bytes(lines[: int(edits[0][0] * len(lines))], edits))
    assert execute(read_spec(run / "spec.json"), run)["reason"] in ("failed", "finished", "budget: evaluations")


def reference(home: Path, edits: Any) -> None:
    """``name:option=value``, as it is typed, or as a results folder holds it."""
    text = mutated_bytes(REFERENCES[edits[0][2] % len(REFERENCES)], edits, (b"=", b",", b"[", b":", b"nan", b'"', b"{"))
    name, options = parse_reference(text.decode(errors="replace"))
    for kind in ("searcher", "problem"):
        try:
            check_options(find(kind, name), options)
        except ValueError:
            continue
        if kind == "problem":
            problem = make_problem(name, options)
            problem.score(problem.space.at([0]))
    _plain(RunSpec(name, name, 0, {"evaluations": 1}, options, options).folder)


def plugin_file(home: Path, edits: Any) -> None:
    """A plugin's file is read, and not executed by that."""
    before = set(sys.modules)
    _write(home, "_shared.py", mutated_bytes(b"from ._shared import x\nfrom .own import y\nFACTOR = 3\n", edits))
    path = _write(
        home, "own.py", mutated_bytes(PLUGIN, edits, (b"(" * 300, b"-" * 9000, b"\0", b"\xff", b"from .own import x\n"))
    )
    try:
        (file,) = read_plugins([path])
        assert file.fault or file.kinds
        sources = Sources((file,))
        sources.names("searcher")
        sources.broken()
    finally:
        assert not (home.parent / "executed").exists()
        assert not any(name.startswith("mobench_plugin_") for name in set(sys.modules) - before)


def names(home: Path, edits: Any) -> None:
    """Names of campaigns, plugins and folders on the command line."""
    word = WORDS[edits[0][2] % len(WORDS)]
    word = mutated_bytes(word.encode(), edits[1:], (b"/", b"..", b"\\")).decode(errors="replace")
    commands = (
        ["new", "searcher", word],
        [
            "run",
            "-p",
            "catsum",
            "-s",
            "random_search",
            "--name",
            word,
            "--results",
            str(home / "no/such\0folder"),
            "-q",
        ],
        ["run", "-p", "catsum", "-s", word, "--name", "x", "--results", str(home / "file"), "-q"],
        ["check", word],
        ["data", "add", word, "--from", str(home)],
        ["list", word],
        ["status", str(home / word)],
        ["report", str(home / "none" / word)],
    )
    _write(home, "file", b"")
    arguments = commands[edits[0][1]]
    if not any(text.startswith("-") and text == word for text in arguments):  # argparse exits on an unknown flag
        assert main(arguments) in (0, 2)
    for made in home.glob("*.py"):
        made.unlink()


TARGETS: dict[str, Callable[[Path, Any], None]] = {
    target.__name__: target
    for target in (campaign_file, record, log, documents, exported, verified, resumed, reference, plugin_file, names)
}
"""Name to what is done with a folder and edits."""
