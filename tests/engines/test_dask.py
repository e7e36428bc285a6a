"""Campaigns on Dask survive kills of workers, of the parent and of the scheduler: nothing lost, nothing done twice."""

import contextlib
import http.client
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import orjson
import psutil
import pytest
from _campaigns import alone, ends, family, logs, mobench, said, wait_for_work, wait_until_gone, write_campaign

import mobench as mobench_package
from mobench.core.version import code_checksum
from mobench.engines.dask import _fault, _marked

pytestmark = pytest.mark.long

pytest.importorskip("distributed", reason="needs dask.distributed")

DASK = ("run", "c.toml", "-q", "--engine", "dask")


@pytest.fixture(scope="module")
def expected(tmp_path_factory):
    """Logs of the campaign carried out run by run in this process."""
    folder = tmp_path_factory.mktemp("alone")
    return alone(write_campaign(folder) / "c.toml", folder)


def workers_of(parent):
    """Processes of a Dask cluster that carry out runs: those that the fork server made."""
    with contextlib.suppress(psutil.Error):
        return [process for process in family(parent) if process.parents()[1].pid == parent.pid]
    return []


def kill_workers(parent, runs, kills, chance):
    """Kill a worker again and again while runs are under way; return how often one was hit."""
    hits = 0
    while hits < kills and wait_for_work(parent, runs):
        time.sleep(chance.uniform(0.0, 0.3))
        if workers := workers_of(parent):
            with contextlib.suppress(psutil.Error):
                chance.choice(workers).kill()
                hits += 1
    return hits


def test_killed_workers_cost_no_answer(tmp_path, expected):
    write_campaign(tmp_path)
    runs = tmp_path / "results" / "kills" / "runs"
    parent = mobench(*DASK, "-w", 2, cwd=tmp_path)
    assert kill_workers(parent, runs, 3, random.Random(0)) == 3
    code, lines = said(parent)
    assert (code, lines) == (0, ["mobench: 24 runs ended"])
    assert logs(runs) == expected


@pytest.mark.parametrize(
    "signals", [[signal.SIGINT], pytest.param([signal.SIGKILL] * 2 + [signal.SIGINT], marks=pytest.mark.slow)], ids=len
)
def test_a_parent_that_is_interrupted_or_killed_orphans_nobody_and_any_engine_goes_on(tmp_path, expected, signals):
    write_campaign(tmp_path)
    runs = tmp_path / "results" / "kills" / "runs"
    for send in signals:
        parent = mobench(*DASK, "-w", 1, cwd=tmp_path, start_new_session=True)
        assert wait_for_work(parent, runs)
        workers = family(parent)
        os.killpg(parent.pid, send) if send == signal.SIGINT else parent.send_signal(send)
        interrupted = (130, ["mobench: interrupted; the same command goes on where it stopped"])
        assert said(parent) == (interrupted if send == signal.SIGINT else (-send, []))
        assert wait_until_gone(workers) == []
    assert said(mobench("run", "c.toml", "-q", cwd=tmp_path))[0] == 0
    assert logs(runs) == expected


@contextlib.contextmanager
def dask(*arguments, cwd, env=None):
    """A process of Dask's own command line."""
    command = [sys.executable, "-m", "dask", *arguments]
    environment = os.environ | (env or {})
    process = subprocess.Popen(command, cwd=cwd, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield process
    finally:
        below = family(process)
        for one in (process, *below):
            with contextlib.suppress(psutil.Error):
                one.kill()
        process.wait()
        wait_until_gone(below)


@pytest.fixture
def scheduler(tmp_path):
    """A scheduler in a process of its own, and its address."""
    file = tmp_path / "scheduler.json"
    with dask("scheduler", "--port", "0", "--no-dashboard", "--scheduler-file", str(file), cwd=tmp_path) as process:
        while not (file.exists() and file.stat().st_size):
            assert process.poll() is None
            time.sleep(0.05)
        yield process, orjson.loads(file.read_bytes())["address"]


def worker(address, threads, cwd):
    return dask("worker", address, "--nthreads", threads, "--no-dashboard", "--memory-limit", "0", cwd=cwd)


def test_a_cluster_at_an_address_that_loses_its_scheduler(tmp_path, expected, scheduler):
    process, address = scheduler
    runs = tmp_path / "results" / "kills" / "runs"
    command = (*DASK, "--address", address)
    with worker(address, "2", write_campaign(tmp_path)):
        code, lines = said(mobench(*command, cwd=tmp_path))
        assert (code, len(lines)) == (2, 1)
        assert "it has 2 threads; start it with `dask worker --nthreads 1 --nworkers N`" in lines[0]
    with worker(address, "1", tmp_path):
        parent = mobench(*command, cwd=tmp_path)
        assert wait_for_work(parent, runs)
        process.kill()
        code, lines = said(parent)
        assert code == 2
        assert lines == [
            "mobench: error: dask: the scheduler was lost; run the same command again, it goes on where it stopped"
        ]
    assert said(mobench("run", "c.toml", "-q", cwd=tmp_path))[0] == 0
    assert logs(runs) == expected


def listening(processes):
    """(address, port) of every socket on which one of the processes waits for others."""
    found = set()
    for process in processes:
        with contextlib.suppress(psutil.Error):
            found |= {tuple(c.laddr) for c in process.net_connections("inet") if c.status == psutil.CONN_LISTEN}
    return found


def test_a_cluster_of_its_own_listens_to_this_machine_only_and_shows_no_pages(tmp_path):
    write_campaign(tmp_path)
    parent = mobench(*DASK, "-w", 2, cwd=tmp_path)
    assert wait_for_work(parent, tmp_path / "results" / "kills" / "runs")
    sockets = listening([psutil.Process(parent.pid), *family(parent)])
    pages = []
    for host, port in sockets:
        with contextlib.suppress(OSError, http.client.HTTPException), contextlib.closing(
            http.client.HTTPConnection(host, port, timeout=5.0)
        ) as connection:  # fmt: skip
            connection.request("GET", "/")
            pages.append(connection.getresponse().status)
    parent.send_signal(signal.SIGINT)
    parent.communicate(timeout=60.0)  # Dask complains of what we asked
    assert len(sockets) >= 3  # the scheduler and two workers
    assert {host for host, _ in sockets} == {"127.0.0.1"}
    assert 8787 not in {port for _, port in sockets}
    assert set(pages) <= {404}


def test_a_worker_with_other_code_of_the_same_version_is_found_out(tmp_path, scheduler):
    _, address = scheduler
    other = shutil.copytree(Path(mobench_package.__file__).parent, tmp_path / "other" / "mobench")
    with (other / "core" / "budget.py").open("a") as file:
        file.write("# another line\n")
    runs = write_campaign(tmp_path) / "results" / "kills" / "runs"
    with dask(
        "worker", address, "--nthreads", "1", "--no-dashboard", cwd=tmp_path, env={"PYTHONPATH": str(other.parent)}
    ):
        code, lines = said(mobench(*DASK, "--address", address, cwd=tmp_path))
    assert (code, len(lines)) == (2, 1)
    assert "it has other code of mobench (0.1.0, checksum " in lines[0]
    assert list(runs.rglob("log.jsonl")) == []


@pytest.fixture
def unshared(tmp_path, scheduler):
    """A worker that sees another, empty file system in the place of the results; see `dask`."""
    _, address = scheduler
    (tmp_path / "results").mkdir()
    script = f"mount -t tmpfs tmpfs results && mkdir -p results/kills/runs && exec {sys.executable} -m dask worker "
    script += f"{address} --nthreads 1 --no-dashboard --memory-limit 0"
    told = tmp_path / "told"
    with told.open("w") as file:
        process = subprocess.Popen(["unshare", "--mount", "sh", "-c", script], cwd=tmp_path, stderr=file)
    while not told.stat().st_size and process.poll() is None:
        time.sleep(0.05)
    if process.poll() is not None:
        pytest.skip(f"this user cannot have a file system of its own: {told.read_text()}")
    yield address
    for one in (process, *family(process)):
        with contextlib.suppress(psutil.Error):
            one.kill()
    process.wait()


def test_a_worker_whose_folder_of_the_same_path_is_another_one_is_an_error_and_no_run_ends(tmp_path, unshared):
    runs = write_campaign(tmp_path) / "results" / "kills" / "runs"
    code, lines = said(mobench(*DASK, "--address", unshared, cwd=tmp_path))
    assert (code, len(lines)) == (2, 1)
    assert "is another folder; put the results on a file system that all hosts share" in lines[0]
    assert [path for path in runs.rglob("*") if path.is_file()] == []


@pytest.mark.parametrize("theirs", [None, b"another secret", b"\xff"])
def test_a_worker_that_does_not_see_the_secret_is_unfit(tmp_path, theirs):
    with _marked(tmp_path) as (path, secret):
        assert _fault(1, (path, secret), code_checksum()) == ""
        path.unlink() if theirs is None else path.write_bytes(theirs)
        assert "is another folder" in _fault(1, (path, secret), code_checksum())
    assert list(tmp_path.iterdir()) == []


def test_an_address_without_workers_is_said_in_a_line_even_to_the_quiet_and_the_campaign_waits(tmp_path, scheduler):
    _, address = scheduler
    parent = mobench(*DASK, "--address", address, cwd=write_campaign(tmp_path, seeds=1))
    line = parent.stderr.readline()
    assert f"mobench: dask: no workers at {address} yet, waiting for `dask worker {address} --nthreads 1`" in line
    with worker(address, "1", tmp_path):
        assert said(parent) == (0, ["mobench: 6 runs ended"])


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--address", "tcp://127.0.0.1:9"), "dask: no scheduler at tcp://127.0.0.1:9"),
        (("--address", "nonsense://x"), "dask: no scheduler at nonsense://x"),
        (("--address", "tcp://127.0.0.1:9", "-w", "2"), "workers: the cluster at the address has its own"),
    ],
)
def test_mistakes_about_the_cluster_are_one_line(tmp_path, arguments, words):
    write_campaign(tmp_path)
    quick = os.environ | {"DASK_DISTRIBUTED__COMM__TIMEOUTS__CONNECT": "1s"}
    code, lines = said(mobench(*DASK, *arguments, cwd=tmp_path, env=quick))
    assert (code, len(lines)) == (2, 1)
    assert words in lines[0]


@pytest.mark.slow
def test_a_run_that_kills_its_workers_is_given_up_and_the_others_end(tmp_path):
    (tmp_path / "deadly.py").write_text("import os\n\n\ndef search(run):\n    os.kill(os.getpid(), 9)\n")
    run = ("run", "-p", "catsum", "-s", "deadly", "-s", "random_search", "--plugin", "deadly.py", "--seeds", 1, "-b", 5)
    code, lines = said(mobench(*run, "-q", "--engine", "dask", "-w", 1, cwd=tmp_path))
    assert code == 1
    assert lines[0] == "mobench: 1 runs ended, 1 failed"
    assert "its worker died" in lines[1]


@pytest.mark.slow
def test_fifty_killed_workers_lose_nothing_and_do_nothing_twice(tmp_path):
    """The campaign starts over where it ends between kills, until fifty workers were killed at work."""
    expected = alone(write_campaign(tmp_path, seeds=12) / "c.toml", tmp_path / "alone")
    runs = tmp_path / "results" / "kills" / "runs"
    chance, hits = random.Random(1), 0
    while hits < 50:
        shutil.rmtree(tmp_path / "results", ignore_errors=True)
        parent = mobench(*DASK, "-w", 2, cwd=tmp_path)
        hits += kill_workers(parent, runs, 50 - hits, chance)
        assert said(parent, 600.0) == (0, ["mobench: 72 runs ended"])
        assert logs(runs) == expected
        assert len(ends(runs)) == 72


PICKY = '''"""A problem whose data are on some hosts only."""

import os

from mobench import make_problem


def problem():
    if "PICKY" not in os.environ:
        raise ValueError("the line's data are not here; fetch them first")
    return make_problem("catsum", {})
'''


def test_a_host_without_the_data_is_struck_off_and_costs_no_run(tmp_path, scheduler):
    _, address = scheduler
    (tmp_path / "picky.py").write_text(PICKY)
    command = ["run", "-p", "picky", "--plugin", "picky.py", "-s", "random_search", "-b", "10", "--seeds", "12"]
    command += ["--engine", "dask", "--address", address, "-q", "--name", "c"]
    hosts = {"127.0.0.2": {}, "127.0.0.3": {"PICKY": "1"}}
    with contextlib.ExitStack() as stack:
        for host, environment in hosts.items():
            arguments = ("worker", address, "--nthreads", "1", "--no-dashboard", "--host", host)
            stack.enter_context(dask(*arguments, cwd=tmp_path, env=environment))
        done = mobench(*command, cwd=tmp_path, env=os.environ | {"PICKY": "1"})
        _, err = done.communicate(timeout=120)
    assert done.returncode == 0, err
    assert "12 runs ended" in err
    ends = [json.loads(path.read_text())["reason"] for path in tmp_path.rglob("end.json")]
    assert ends == ["budget: evaluations"] * 12


def test_where_no_host_has_the_data_nothing_is_recorded_against_the_runs(tmp_path, scheduler):
    _, address = scheduler
    (tmp_path / "picky.py").write_text(PICKY)
    command = ["run", "-p", "picky", "--plugin", "picky.py", "-s", "random_search", "-b", "10", "--seeds", "12"]
    command += ["--engine", "dask", "--address", address, "-q", "--name", "c"]
    with dask("worker", address, "--nthreads", "1", "--no-dashboard", cwd=tmp_path):
        done = mobench(*command, cwd=tmp_path, env=os.environ | {"PICKY": "1"})
        _, err = done.communicate(timeout=120)
    assert done.returncode == 2
    assert "dask: no host can carry out these runs: tcp://" in err
    assert "ValueError: the line's data are not here" in err
    assert list(tmp_path.rglob("end.json")) == []
