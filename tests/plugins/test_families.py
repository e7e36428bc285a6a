"""Built-in plugins are found by family, under names that are theirs alone, and listed by family."""

import importlib.metadata
import subprocess
import sys

import pytest

from mobench.cli.main import main
from mobench.plugins import sources
from mobench.plugins.families import built_in, families, family, read_families


@pytest.fixture
def plant(tmp_path):
    """Make a package of these files, and read its families."""

    def planted(*files):
        for file in files:
            path = tmp_path / "garden" / file
            for folder in (path.parent, *path.parent.parents):
                if tmp_path in folder.parents:
                    folder.mkdir(parents=True, exist_ok=True)
                    (folder / "__init__.py").touch()
            path.write_text("def search(run):\n    pass\n")
        return read_families("garden", [str(tmp_path / "garden")])

    return planted


def test_plugins_are_found_in_every_depth_of_their_family_and_nothing_private_is_one(plant):
    found = plant("fruit/pear.py", "fruit/stone/plum.py", "fruit/_core.py", "fruit/_seeds/x.py", "_tools/spade.py")
    assert [one.name for one in found] == ["fruit"]
    assert found[0].modules == {"pear": "garden.fruit.pear", "plum": "garden.fruit.stone.plum"}


def test_families_come_in_their_order_and_new_ones_after_them_by_name(plant):
    found = plant("zoo/a.py", "toys/b.py", "berries/c.py", "evolution/d.py", "baselines/e.py")
    assert [one.name for one in found] == ["baselines", "evolution", "toys", "berries", "zoo"]


def test_two_files_of_one_name_in_two_families_are_refused(plant):
    with pytest.raises(ValueError, match=r"garden\.fruit\.pear: garden\.baselines\.pear has the same name; rename one"):
        plant("fruit/pear.py", "baselines/pear.py")


def test_a_file_outside_all_families_is_refused(plant):
    with pytest.raises(ValueError, match=r"garden\.pear: belongs to no family; move the file into a folder of garden"):
        plant("fruit/plum.py", "pear.py")


def test_the_family_of_a_plugin_is_known():
    assert [one.name for one in families("searcher")][:2] == ["baselines", "evolution"]
    assert [one.name for one in families("problem")] == ["tables", "surrogates", "live", "tuning", "toys"]
    assert (family("searcher", "nsga2"), family("problem", "catsum")) == ("evolution", "toys")
    assert (family("problem", "nsga2"), family("searcher", "mine")) == ("", "")
    assert built_in("searcher")["nsga2"] == "mobench.searchers.evolution.nsga2"


def test_the_list_is_grouped_by_family_and_by_whose_the_plugins_are(tmp_path, capsys, monkeypatch):
    (tmp_path / "mine.py").write_text('"""Mine."""\n\n\ndef search(run):\n    pass\n')
    (tmp_path / "theirs.py").write_text('"""Theirs."""\n\n\ndef search(run):\n    pass\n')
    (tmp_path / "torn.py").write_text("def search(\n")
    theirs = importlib.metadata.EntryPoint("theirs", "theirs", "mobench.searchers")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(sources, "installed", lambda kind: {"theirs": theirs} if kind == "searcher" else {})
    assert main(["list", "--plugin", str(tmp_path / "mine.py"), "--plugin", str(tmp_path / "torn.py")]) == 0
    lines = capsys.readouterr().out.splitlines()
    headings = [line.strip() for line in lines if line.startswith("  ") and line[2] != " "]
    assert headings[0] == "Baselines: what any method has to beat"
    assert headings[10:12] == ["your files", "installed packages"]
    assert headings[-1] == "Toys: known answers in milliseconds"
    for heading, name, summary in (("your files", "mine", "Mine"), ("installed packages", "theirs", "Theirs")):
        assert lines[lines.index(f"  {heading}") + 1] == f"    {name:<24} {summary}"
    assert lines[-1].startswith(f"BROKEN {tmp_path / 'torn.py'}: syntax error in line 1")


def test_the_list_imports_no_torch_and_no_plugin():
    code = (
        "import sys; from mobench.cli.main import main; main(['list']); "
        "print([m for m in sys.modules if m in ('torch', 'pymoo') or m.startswith('mobench.searchers.evolution.')])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"
