"""Cards of all searchers and problems, pages that mkdocs makes of the catalogue and of what the pages of each say."""

from __future__ import annotations

import html
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mkdocs.structure.files import File, Files

import mobench
from mobench.core import capabilities
from mobench.core.limits import true_front
from mobench.plugins.catalogue import find, make_problem
from mobench.plugins.families import families
from mobench.plugins.plugin import Kind, Plugin, first_line
from mobench.plugins.sources import docstring_of
from mobench.plugins.words import value_in_words

DOCS = Path(__file__).parents[2] / "docs"
OFFERS = {
    "supernet": mobench.Supernet,
    "fewer epochs": mobench.MultiFidelity,
    "drawn": mobench.Drawable,
    "a surrogate's answers": mobench.Surrogate,
    "trained live": capabilities.Slow,
}
LISTED = 10**6
"""Spaces of no more rows have their front counted."""
INTRODUCTION = {
    "searcher": """# All searchers

Made from the catalogue: `mobench list NAME` prints the same. The check value is the share of hypervolume of
`mobench.run(NAME, "catsum", budget=100, seed=0)`, computed when this page was built: equal versions give it again.
CatSum is a toy, and its numbers rank no methods.""",
    "problem": """# All problems

Made from the catalogue, each problem with its default options: `mobench list NAME` prints the same.""",
}


def on_files(files: Files, config: Any) -> Files:
    """Add the pages: mkdocs calls this once it has collected the files of docs/."""
    files.append(File.generated(config, "searchers.md", content=page("searcher")))
    files.append(File.generated(config, "problems.md", content=page("problem")))
    return files


def page(kind: Kind) -> str:
    """A section a family, a card a plugin."""
    parts = [INTRODUCTION[kind]]
    for family in families(kind):
        cards = [card(find(kind, name)) for name in family.modules]
        title = first_line(docstring_of(family.package))
        parts += [f"## {title}", '<div class="grid cards" markdown>\n', *cards, "</div>"]
    return "\n\n".join(parts) + "\n"


def card(plugin: Plugin) -> str:
    """Name, summary and facts of a plugin, as an item of a list of cards."""
    home = next((page for page in sorted(DOCS.glob("*/*/*.md")) if marked(page, plugin.name)), None)
    text = home.read_text(encoding="utf-8") if home else ""
    name = f"[`{plugin.name}`]({home.relative_to(DOCS).as_posix()})" if home else f"`{plugin.name}`"
    facts = searcher_facts(plugin, text) if plugin.kind == "searcher" else problem_facts(plugin, text)
    facts = {"options": options(plugin)} | facts
    lines = "".join(f"<dt>{word}</dt><dd>{fact}</dd>" for word, fact in facts.items() if fact)
    return f"-   **{name}**\n\n    {plugin.summary}.\n\n    <dl>{lines}</dl>"


def marked(page: Path, name: str) -> bool:
    """Whether a page is that of a plugin: it bears its name, or has its table of options."""
    return page.stem == name or f"<!-- options of {name} -->" in page.read_text(encoding="utf-8")


def options(plugin: Plugin) -> str:
    """Names of the options, and what they are when left out."""
    shown = [
        f"<code>{o.name}</code> {'must be given' if o.required else html.escape(value_in_words(o.default))}"
        for o in plugin.options.values()
    ]
    return ", ".join(shown) or "none"


def searcher_facts(plugin: Plugin, text: str) -> Mapping[str, str]:
    """Of a searcher: what it needs, what a step costs, its paper, and a value to check by."""
    found = {
        "needs": ", ".join(need.__name__ for need in plugin.needs) or "nothing but answers",
        "charged": plain(paragraph(text, "What is charged")),
        "paper": plain(paragraph(text, "Source")),
    }
    if plugin.needs:
        found["measured"] = plain(paragraph(text, "Measured").partition(". ")[0].rstrip("."))
    else:
        try:
            found["check value"] = f"{mobench.run(plugin.name, 'catsum', budget=100, seed=0).hypervolume():.6f}"
        except ImportError as error:
            found["check value"] = html.escape(str(error))
    return found


def problem_facts(plugin: Plugin, text: str) -> Mapping[str, str]:
    """Of a problem: its space, objectives, price of a training, front, what it offers, and its source."""
    sources = {"paper": paper(text), "source": plain(paragraph(text, "Source") or section(text, "Source"))}
    try:
        problem = make_problem(plugin.name, {})
    except (ValueError, ImportError, OSError) as error:
        return {"not made here": html.escape(str(error))} | sources
    size, genes = problem.space.size, len(problem.space.cardinalities)
    count = f"{size:,}" if size < 10**9 else f"{float(size):.1e}"
    training = problem.training
    price = [f"{training.flops:.3g} multiply-adds"] * (training.flops > 0)
    price += [f"{training.seconds:,.0f} s"] * (training.seconds > 0)
    front = true_front(problem) if size <= LISTED else None
    offers = [word for word, capability in OFFERS.items() if isinstance(problem, capability)]
    return {
        "space": f"{count} architectures of {genes} gene{'s' * (genes > 1)}",
        "objectives": html.escape(", ".join(objective.label for objective in problem.objectives)),
        "a training costs": ", ".join(price) or "one evaluation",
        "true front": f"{len(front[0]):,} architectures" if front is not None else "",
        "offers": ", ".join(offers),
    } | sources


def paper(text: str) -> str:
    """The first paper on arXiv that a page names, as a link; empty where there is none."""
    found = re.search(r"arXiv[:\s]+(\d{4}\.\d{4,5})", text)
    return f'<a href="https://arxiv.org/abs/{found[1]}">arXiv {found[1]}</a>' if found else ""


def paragraph(text: str, word: str) -> str:
    """The paragraph that begins with a bold word; empty where there is none."""
    found = re.search(rf"^\*\*{re.escape(word)}\.\*\* (.+?)(?:\n\n|\Z)", text, flags=re.M | re.S)
    return found[1] if found else ""


def section(text: str, title: str) -> str:
    """The first paragraph under a heading that begins with a word; empty where there is none."""
    found = re.search(rf"^## {re.escape(title)}[^\n]*\n\n(.+?)(?:\n\n|\Z)", text, flags=re.M | re.S)
    return found[1] if found and not found[1].startswith(("|", "```", "<!--")) else ""


def plain(text: str) -> str:
    """A paragraph's sentences as HTML without links."""
    text = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", " ".join(text.split()))
    text = html.escape(text, quote=False)
    text = re.sub(r"`([^`]+)`", r"<code>\1</code>", text)
    return re.sub(r"\*([^*]+)\*", r"<em>\1</em>", text)
