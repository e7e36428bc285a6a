"""Campaigns survive kills of workers and of the parent: nothing lost, nothing done twice, nobody orphaned."""

import contextlib
import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import time

import psutil
import pytest
from _campaigns import logs, unfinished, wait_for_work, wait_until_gone

from mobench.campaigns.reading import make_campaign
from mobench.engines.engine import run_campaign, run_specs
from mobench.harness.execute import execute
from mobench.harness.spec import RunSpec

pytestmark = pytest.mark.long

CAMPAIGN = {
    "name": "kills",
    "problems": ["catsum", "lotz:bits=14"],
    "searchers": ["random_search:batch=1", "nsga2:population=20", "local_search"],
    "seeds": 4,
    "budget": 800,
}


@pytest.fixture(scope="module")
def expected(tmp_path_factory):
    """The logs of the campaign carried out run by run in this process."""
    runs = tmp_path_factory.mktemp("plain")
    for spec in make_campaign(CAMPAIGN).specs:
        execute(spec, runs / spec.folder)
    return logs(runs)


@pytest.mark.parametrize("workers", [1, 2, 5])
def test_logs_do_not_depend_on_the_number_of_workers(tmp_path, expected, workers):
    tally = run_campaign(make_campaign(CAMPAIGN), tmp_path, workers=workers, progress=False)
    assert (len(tally.ended), tally.failed, tally.interrupted) == (24, [], [])
    assert logs(tmp_path / "runs") == expected
    again = run_campaign(make_campaign(CAMPAIGN), tmp_path, workers=workers, progress=False)
    assert (again.ended, again.already) == ([], 24)


def start(folder):
    """Start the campaign as a user would, in a process group of its own."""
    code = f"from mobench.cli.main import main; main(['run', 'c.toml', '--results', {str(folder)!r}, '-w', '2'])"
    return subprocess.Popen(
        [sys.executable, "-c", code], cwd=folder, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL
    )


def write_campaign(folder):
    (folder / "c.toml").write_text(
        "name = 'kills'\nproblems = ['catsum', 'lotz:bits=14']\n"
        "searchers = ['random_search:batch=1', 'nsga2:population=20', 'local_search']\nseeds = 4\nbudget = 800\n"
    )


def is_worker(process):
    """Whether it is one of the fork server's children; what has just died is none."""
    try:
        return process.is_running() and "forkserver" in " ".join(process.cmdline()) and not process.children()
    except psutil.Error:
        return False


@pytest.mark.long
@pytest.mark.parametrize("kills", [6, pytest.param(20, marks=pytest.mark.slow)])
def test_kills_of_workers_and_parents_lose_nothing_and_orphan_nobody(tmp_path, expected, kills):
    write_campaign(tmp_path)
    runs = tmp_path / "kills" / "runs"
    chance = random.Random(0)
    torn = 0
    for attempt in range(kills):
        if len(list(runs.rglob("end.json"))) == 24:  # all done between kills: check, and once more from the beginning
            assert logs(runs) == expected
            shutil.rmtree(tmp_path / "kills")
        parent = start(tmp_path)
        if wait_for_work(parent, runs):
            time.sleep(chance.uniform(0.0, 0.08))
        family = psutil.Process(parent.pid).children(recursive=True) if parent.poll() is None else []
        workers = [p for p in family if is_worker(p)]
        if attempt % 2 and workers:
            with contextlib.suppress(ProcessLookupError):
                os.kill(chance.choice(workers).pid, signal.SIGKILL)
            time.sleep(chance.uniform(0.0, 0.05))
        parent.send_signal(signal.SIGKILL)
        parent.wait()
        assert wait_until_gone(family) == []
        torn += len(unfinished(runs)) > 0
    assert torn >= kills // 2, "the kills came too late to test anything"
    assert start(tmp_path).wait() == 0
    assert logs(runs) == expected


def test_ctrl_c_ends_the_workers_and_leaves_everything_resumable(tmp_path, expected):
    write_campaign(tmp_path)
    parent = start(tmp_path)
    assert wait_for_work(parent, tmp_path / "kills" / "runs")
    family = psutil.Process(parent.pid).children(recursive=True)
    parent.send_signal(signal.SIGINT)
    parent.wait()
    assert wait_until_gone(family) == []
    assert start(tmp_path).wait() == 0
    assert logs(tmp_path / "kills" / "runs") == expected


def test_a_full_disk_is_one_line_and_loses_nothing(tmp_path, expected):
    """No file may grow beyond 20 kB: that is what a full disk does to a log."""
    write_campaign(tmp_path)
    code = (
        "import sys; from mobench.cli.main import main; "
        f"sys.exit(main(['run', 'c.toml', '--results', {str(tmp_path)!r}]))"
    )

    def fill():
        resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))

    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, preexec_fn=fill, capture_output=True, text=True, check=False
    )
    errors = [line for line in done.stderr.splitlines() if line.startswith("mobench: ")]
    assert done.returncode == 2, done.stderr
    assert len(errors) == 1
    assert "File too large; make room and run the same command again" in errors[0]
    assert "Traceback" not in done.stderr
    assert start(tmp_path).wait() == 0
    assert logs(tmp_path / "kills" / "runs") == expected


def test_a_killed_worker_loses_only_its_run(tmp_path):
    """The run kills its own worker, again and again; the others end, and the tally says what happened."""
    (tmp_path / "suicidal.py").write_text("def search(run):\n    import os\n    os.kill(os.getpid(), 9)\n")
    code = (
        "import sys; sys.path.insert(0, '.')\n"
        "from mobench.harness.spec import RunSpec\n"
        "from mobench.engines import engine\n"
        "import suicidal, pathlib\n"
        "if __name__ == '__main__':\n"
        "    specs = [RunSpec('catsum', 'random_search', s, {'evaluations': 200}) for s in range(6)]\n"
        "    specs.insert(2, RunSpec('catsum', 'suicidal', 0, {'evaluations': 200}))\n"
        "    tally = engine.run_specs(specs, pathlib.Path('runs'), workers=2, progress=False)\n"
        "    print(len(tally.ended), tally.failed[0][0].searcher, tally.failed[0][1])\n"
    )
    package = tmp_path / "suicidal-1.dist-info"
    package.mkdir()
    (package / "METADATA").write_text("Name: suicidal\nVersion: 1\n")
    (package / "entry_points.txt").write_text("[mobench.searchers]\nsuicidal = suicidal\n")
    (tmp_path / "main.py").write_text(code)
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")])}
    done = subprocess.run(
        [sys.executable, "main.py"], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert done.stdout == "6 suicidal its worker died (exit code -9), 2 times\n", done.stderr


@pytest.mark.parametrize("workers", [0, -1])
def test_workers_must_be_at_least_one(tmp_path, workers):
    with pytest.raises(ValueError, match="workers: expected at least 1"):
        run_specs([RunSpec("catsum", "random_search", 0, {"evaluations": 5})], tmp_path, workers=workers)
