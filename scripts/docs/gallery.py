"""Every kind of figure: `python scripts/docs/gallery.py FOLDER` draws them of its campaigns, mkdocs shows them."""

from __future__ import annotations

import argparse
import shlex
from pathlib import Path
from typing import Any

from mkdocs.structure.files import File, Files

from mobench.figures.kinds import KINDS

FIGURES = Path(__file__).parents[2] / "docs" / "figures" / "gallery"
MOTIF = "try --kind {kind} -p motif"
COMMANDS = {
    "difference": f"{MOTIF} -s nsga2 -s random_search",
    "parallel": "try --kind {kind} -p nasbench_graph:dataset=arxiv",
    "diagnostics": "sweep --kind {kind} -p motif",
    "architecture": f"{MOTIF} --row 3,1,3,2,2,1",
}
"""What follows `mobench plot results/`, where it is not the plain one."""
CAMPAIGNS = """mobench run -p motif -p nasbench_graph:dataset=arxiv -p nasbench_graph:dataset=cora \\
  -p nasbench_graph:dataset=pubmed -p lotz:bits=12 \\
  -s random_search -s local_search -s regularized_evolution -s nsga2 -b 300 --seeds 10 --name try
mobench run -p motif -s darts -s scalarization -s mgda -b trainings=5 --seeds 2 --name sweep"""


def command(kind: str) -> str:
    """The words after `mobench plot results/` that draw a kind."""
    plain = MOTIF if KINDS[kind].of_one_problem else "try --kind {kind}"
    return COMMANDS.get(kind, plain).format(kind=kind)


def on_files(files: Files, config: Any) -> Files:
    """Add the page: mkdocs calls this once it has collected the files of docs/."""
    files.append(File.generated(config, "gallery.md", content=page()))
    return files


def page() -> str:
    """Every kind with its figure and its command."""
    parts = [
        f"# Gallery\n\nAll {len(KINDS)} kinds of figures, each with what draws it. "
        "[Figures](figures.md) says how; the campaigns are",
        f"```bash\n{CAMPAIGNS}\n```",
    ]
    for single, title in ((True, "Of one problem"), (False, "Over problems")):
        parts.append(f"## {title}")
        for kind in KINDS.values():
            if kind.of_one_problem == single:
                shown = f"```bash\nmobench plot results/{command(kind.name)}\n```"
                image = f"![{kind.summary}](figures/gallery/{kind.name}.png)"
                parts += [f"### `{kind.name}`", f"{kind.summary}.", shown, image]
    return "\n\n".join(parts) + "\n"


def main() -> None:
    """Draw them, as PNG of 256 colours: some thirty kilobytes each."""
    from PIL import Image

    from mobench.cli.main import main as mobench

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="where the campaigns `try` and `sweep` lie")
    folder = parser.parse_args().folder
    FIGURES.mkdir(exist_ok=True)
    for kind in KINDS:
        target = FIGURES / f"{kind}.png"
        words = shlex.split(command(kind))
        if mobench(["plot", str(folder / words[0]), *words[1:], "--to", str(target)]):
            raise SystemExit(f"{kind} could not be drawn")
        target.with_suffix(".csv").unlink()
        image = Image.open(target).convert("RGB")
        image = image.resize((image.width // 2, image.height // 2), Image.Resampling.LANCZOS)
        image.quantize(256).save(target, optimize=True)


if __name__ == "__main__":
    main()
