"""The page that shows a campaign while it goes on: what it says, who gets an answer, and what it never does."""

import contextlib
import html
import http.client
import json
import re
import shutil
import subprocess
import threading
import time

import numpy as np
import pytest
from _campaigns import mobench

from mobench.campaigns.look import STATES
from mobench.campaigns.reading import make_campaign
from mobench.campaigns.record import open_campaign
from mobench.harness.execute import execute
from mobench.harness.held import locked
from mobench.plugins.sources import using
from mobench.scoring.load import load
from mobench.watch import feed as feeds
from mobench.watch import scores as scoring
from mobench.watch import watcher
from mobench.watch.feed import Feed
from mobench.watch.scores import Scores
from mobench.watch.server import WatchServer
from mobench.watch.view import campaign_view, problem_view, truth_view

EVIL = "</script><script>document.title='taken over'</script><img src=x onerror=alert(1)>"

SLOW = '''"""Random search that takes its time."""

import time


def search(run, *, pause: float = 0.02):
    while True:
        run.evaluate(run.space.sample(run.rng, 1))
        time.sleep(pause)
'''
FAILS = f'"""Fails."""\n\n\ndef search(run, *, text: str = ""):\n    raise ValueError({EVIL!r})\n'
OWN = '''"""A problem of the user's."""

from mobench.testing.toy import Toy


def problem():
    return Toy()
'''


def put(folder, **changes):
    """A campaign in its folder, of which nothing was carried out."""
    text = {"name": "c", "problems": ["catsum"], "searchers": ["random_search:batch=1"], "seeds": 2, "budget": 30}
    campaign = make_campaign(text | changes)
    open_campaign(campaign, folder)
    return campaign


def carry_out(campaign, folder, *, only=None):
    for spec in campaign.specs[:only]:
        execute(spec, folder / "runs" / spec.folder, campaign.sources)


@contextlib.contextmanager
def serving(folder):
    with WatchServer(folder) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield server
        finally:
            server.shutdown()


def ask(server, path="/", method="GET", **headers):
    connection = http.client.HTTPConnection("127.0.0.1", server.server_port, timeout=30)
    connection.request(method, path, headers=headers)
    answer = connection.getresponse()
    return answer.status, answer.read(), answer.headers


# What it says


def test_a_feed_follows_runs_from_waiting_to_their_end(tmp_path):
    campaign = put(tmp_path, seeds=3)
    feed = Feed(tmp_path)
    assert dict(+feed.total) == {"waiting": 3}
    first, second, _ = (tmp_path / "runs" / spec.folder for spec in campaign.specs)
    carry_out(campaign, tmp_path, only=2)
    log = (second / "log.jsonl").read_bytes()
    (second / "end.json").unlink()
    (second / "log.jsonl").write_bytes(b"".join(log.splitlines(keepends=True)[:15]))
    with open(locked(second / "log.jsonl")[0]):
        feed.look()
        assert dict(+feed.total) == {"ended": 1, "running": 1, "waiting": 1}
        assert feed.share == pytest.approx(1.5 / 3)
        assert feed.left is not None
    feed.look()
    assert dict(+feed.total) == {"ended": 1, "interrupted": 1, "waiting": 1}
    assert feed.left is None
    execute(campaign.specs[1], second)
    feed.look()
    assert dict(+feed.total) == {"ended": 2, "waiting": 1}
    assert first.exists()


def test_a_look_at_a_campaign_of_very_many_runs_looks_at_some_of_them_and_in_time_at_all(tmp_path, monkeypatch):
    put(tmp_path, seeds=5000)
    feed, looks = Feed(tmp_path), []
    monkeypatch.setattr(feeds, "run_state", lambda folder: looks.append(folder) or "missing")
    feed.look()
    assert len(looks) <= feeds.WINDOW
    for _ in range(12):
        feed.look()
    assert len(set(looks)) == 5000


def test_names_and_order_are_those_that_the_campaign_gives(tmp_path):
    searchers = [{"name": "nsga2", "label": "NSGA-II <b>"}, {"name": "random_search", "order": 1}]
    campaign = put(tmp_path, problems=[{"name": "catsum", "label": "Sum"}], searchers=searchers)
    carry_out(campaign, tmp_path)
    feed = Feed(tmp_path)
    scores = Scores(feed.campaign)
    shown = campaign_view(feed, scores)
    assert shown["problems"] == ["Sum"]
    assert [searcher["label"] for searcher in shown["searchers"]] == ["random_search", "NSGA-II <b>"]
    entries = feed.of_problem["catsum"]
    scores.score(entries)
    assert set(problem_view(scores, entries, feed.names)["searchers"]) == {"random_search", "NSGA-II <b>"}


def test_what_is_over_is_not_looked_at_again(tmp_path, monkeypatch):
    carry_out(put(tmp_path), tmp_path)
    feed = Feed(tmp_path)
    monkeypatch.setattr(feeds, "run_state", None)
    feed.look()


def test_a_campaign_that_grows_is_read_anew(tmp_path):
    put(tmp_path)
    feed = Feed(tmp_path)
    put(tmp_path, seeds=5)
    feed.look()
    assert feed.total.total() == 5


def test_curves_and_fronts_are_those_of_the_results(tmp_path):
    campaign = put(tmp_path, problems=["catsum"], searchers=["random_search", "nsga2:population=10"], seeds=3)
    carry_out(campaign, tmp_path)
    feed = Feed(tmp_path)
    scores = Scores(feed.campaign)
    scores.score(feed.of_problem["catsum"])
    view = problem_view(scores, feed.of_problem["catsum"], feed.names)
    assert (view["scored"], view["begun"], view["fault"]) == (6, 6, "")
    for searcher in ("random_search", "nsga2:population=10"):
        results = [load(tmp_path / "runs" / s.folder) for s in campaign.specs if s.searcher_label == searcher]
        shares = sorted(result.hypervolume() for result in results)
        found = view["searchers"][searcher]
        assert found["hypervolume"] == pytest.approx(shares[1])
        assert found["curve"][-1] == [30.0, pytest.approx(shares[1]), 3]
        amount, share, _ = found["curve"][80]
        curves = [result.curve() for result in results]
        then = [float(c.hypervolume[c.evaluations <= amount].iloc[-1]) for c in curves]
        assert share == pytest.approx(sorted(then)[1])
        median = next(result for result in results if result.hypervolume() == shares[1])
        F = median.scored()[1]
        assert found["fronts"]["median"]["F"] == F[np.argsort(F[:, 0], kind="stable")].tolist()
    truth = truth_view(scores, campaign.specs[0])
    assert truth["front"] == sorted(truth["front"])
    assert (truth["limit"], truth["axis"], truth["scored"]) == (30, "unique evaluations", True)


def test_a_curve_ends_where_the_run_that_came_farthest_is(tmp_path):
    campaign = put(tmp_path, seeds=1)
    carry_out(campaign, tmp_path)
    run = tmp_path / "runs" / campaign.specs[0].folder
    (run / "end.json").unlink()
    (run / "log.jsonl").write_bytes(b"".join((run / "log.jsonl").read_bytes().splitlines(keepends=True)[:15]))
    feed = Feed(tmp_path)
    scores = Scores(feed.campaign)
    feed.look()
    scores.score(feed.of_problem["catsum"])
    curve = problem_view(scores, feed.of_problem["catsum"], feed.names)["searchers"]["random_search:batch=1"]["curve"]
    assert curve[-1][0] == 15.0


def test_scores_take_a_part_of_a_look_and_the_first_runs_of_each_pair(tmp_path, monkeypatch):
    carry_out(put(tmp_path, seeds=6), tmp_path)
    feed = Feed(tmp_path)
    entries = feed.of_problem["catsum"]
    monkeypatch.setattr(scoring, "MOST_RUNS", 4)
    monkeypatch.setattr(scoring, "SECONDS", -1.0)
    scores = Scores(feed.campaign)
    scores.score(entries)
    assert len(scores.runs) == 0
    monkeypatch.setattr(scoring, "SECONDS", 60.0)
    scores.score(entries)
    assert [run.seed for run in scores.runs.values()] == [0, 1, 2, 3]
    monkeypatch.setattr(scoring, "load", None)
    scores.score(entries)  # what is over is scored once


def test_no_results_folder_makes_code_run_and_naming_the_file_does(tmp_path):
    (tmp_path / "own.py").write_text(OWN)
    folder = tmp_path / "c"
    campaign = put(folder, problems=["own"], plugins=[tmp_path / "own.py"], seeds=1)
    carry_out(campaign, folder)
    feed = Feed(folder)
    for named in (False, True):
        with using([tmp_path / "own.py"] if named else []):
            scores = Scores(feed.campaign)
            truth = truth_view(scores, campaign.specs[0])
            scores.score(feed.of_problem["own"])
        assert ("add --plugin" in truth.get("fault", "")) == (not named)
        assert len(scores.runs) == named
        assert campaign_view(feed, scores)["total"]["ended"] == 1


def test_a_problem_whose_score_raises_is_told_of_and_ends_nothing(tmp_path):
    text = OWN.replace("return Toy()", "return Odd()").replace(
        "def problem",
        "class Odd(Toy):\n    def score(self, X):\n        if 1 < len(X) < 400:\n            raise RuntimeError\n"
        "        return super().score(X)\n\n\ndef problem",
    )
    (tmp_path / "own.py").write_text(text)
    folder = tmp_path / "c"
    with using([tmp_path / "own.py"]):
        carry_out(put(folder, problems=["own"], plugins=[tmp_path / "own.py"], seeds=1), folder)
        feed = Feed(folder)
        scores = Scores(feed.campaign)
        scores.score(feed.of_problem["own"])
    assert scores.faults == {"own": "RuntimeError:"}


# Who gets an answer


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    folder = tmp_path_factory.mktemp("served") / "c"
    plugins = folder.parent / "fails.py"
    plugins.write_text(FAILS)
    searchers = ["random_search:batch=1", {"name": "fails", "text": EVIL}]
    carry_out(campaign := put(folder, searchers=searchers, plugins=[plugins]), folder)
    assert len(campaign.specs) == 4
    with serving(folder) as server:
        yield server


def test_it_listens_to_this_machine_alone(server):
    assert server.server_address[0] == "127.0.0.1"
    assert server.address == f"http://127.0.0.1:{server.server_port}/"


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:{port}", "127.0.0.1", "127.0.0.1:1", "[::1]:{port}", ""]
)
def test_a_name_that_was_bent_to_this_address_gets_no_answer(server, host):
    for path in ("/", "/look.json"):
        status, body, _ = ask(server, path, Host=host.format(port=server.server_port))
        assert status == 421
        assert b"catsum" not in body


@pytest.mark.parametrize("name", ["127.0.0.1", "localhost"])
def test_its_own_names_get_an_answer(server, name):
    assert ask(server, Host=f"{name}:{server.server_port}")[0] == 200


@pytest.mark.parametrize(
    "path",
    ["/campaign.json", "/../campaign.json", "/%2e%2e/campaign.json", "//etc/passwd", "/assets/page.js", "/look.json/x"],
)
def test_no_file_can_be_asked_for(server, path):
    status, body, _ = ask(server, path)
    assert status == 404
    assert b"seeds" not in body


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "PATCH"])
def test_nothing_can_be_written(server, method):
    assert ask(server, "/look.json", method)[0] == 501


@pytest.mark.parametrize(
    "query", ["problem=9999999999", "problem=-1", "problem=x", "problem=\u0663", "truth=1&problem=77", "%00"]
)
def test_odd_questions_get_an_answer(server, query):
    status, body, _ = ask(server, "/look.json?" + query.encode("unicode_escape").decode())
    assert status == 200
    assert json.loads(body)["campaign"]["runs"] == 4


def test_a_browser_is_told_to_run_no_other_script_and_to_keep_nothing(server):
    _, page, headers = ask(server)
    policy = headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Cache-Control"] == "no-store"
    assert not re.search(rb"(?:src|href)=|@import|url\((?!#)|https?://(?!www\.w3\.org/2000/svg)", page)


def test_a_port_that_is_taken_or_none_is_said_in_a_line(server, tmp_path):
    put(tmp_path)
    with pytest.raises(OSError, match=f"port {server.server_port}: .*leave --port out"):
        WatchServer(tmp_path, port=server.server_port)
    with pytest.raises(ValueError, match="port: expected a whole number"):
        WatchServer(tmp_path, port=70000)
    with pytest.raises(FileNotFoundError, match=r"campaign\.json is missing"):
        WatchServer(tmp_path / "none")


def test_nothing_is_read_while_nobody_asks(tmp_path, monkeypatch):
    put(tmp_path)
    looks = []
    monkeypatch.setattr(watcher, "PAUSE", 0.0)
    found = watcher.Watcher(tmp_path)
    monkeypatch.setattr(found._feed, "look", lambda: looks.append(1))
    time.sleep(0.1)
    assert not looks
    found.seen(0, truth=False)
    for _ in range(500):
        if looks:
            break
        time.sleep(0.01)
    assert len(looks) == 1
    found.close()


# In a browser


def browser():
    found = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if not found:
        pytest.skip("no Chromium here to open the page with")
    return found


def shown(address, profile, *, milliseconds=6000):
    """The page's document in a headless browser, after some seconds there."""
    command = [browser(), "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={profile}"]
    command += [f"--virtual-time-budget={milliseconds}", "--dump-dom", address]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    return done.stdout


def test_names_and_errors_of_others_are_text_on_the_page(server, tmp_path):
    page = shown(server.address, tmp_path)
    assert "<title>100" in page
    assert page.count("<script>") == 1
    assert html.escape(EVIL, quote=False) in page
    assert "<img" not in page


@pytest.mark.long
def test_the_page_goes_on_with_the_campaign(tmp_path):
    browser()
    (tmp_path / "slow.py").write_text(SLOW)
    (tmp_path / "c.toml").write_text(
        "name = 'c'\nplugins = ['slow.py']\nproblems = ['catsum']\nsearchers = ['slow', 'random_search']\n"
        "seeds = 3\nbudget = 400\n"
    )
    running = mobench("run", "c.toml", "-w", 2, "-q", cwd=tmp_path)
    folder = tmp_path / "results" / "c"
    try:
        while not list(folder.rglob("log.jsonl")):
            time.sleep(0.1)
        with serving(folder) as server:
            first, last = shown(server.address, tmp_path / "p"), ""
            running.wait(timeout=120)
            last = shown(server.address, tmp_path / "q")
    finally:
        running.kill()
        running.communicate()
    assert 'class="on"' in first
    assert re.search(r"\d running", first)
    assert "<progress" in first
    before, after = (float(re.search(r'aria-valuenow="(\d+)"', page)[1]) for page in (first, last))
    assert before < after == 100
    assert "6 of 6 runs over" in last
    assert last.count('class="line"') == 2
    assert last.count('class="stairs"') == 3  # two searchers and the truth
    assert re.search(r"slow@[0-9a-f]{4}<b>0\.\d{4}</b>", last)


def test_every_state_has_a_colour_on_the_page(server):
    page = ask(server)[1].decode()
    assert json.loads(re.search(r"const STATES = (\[.*?\]);", page)[1]) == list(STATES)
    style = page[page.index("<style>") : page.index("</style>")]
    assert all(re.search(rf"\.{state}\b[^{{]*{{ background", style) for state in STATES)
