"""What a reader sees first: the verdict and a figure without scrolling, nothing cut unseen, a page that stays small."""

import html
import json
import re
import shutil
import subprocess

import pytest

from mobench.campaigns.reading import make_campaign
from mobench.campaigns.record import open_campaign
from mobench.figures.insight import POINTS
from mobench.harness.execute import execute
from mobench.report.report import write_report

pytestmark = pytest.mark.long

SCREENS = {"desktop": (1280, 800), "phone": (390, 844)}

CHATTY = '''"""Random search that records at each step, and fails now and then."""


def search(run):
    for step in range(10**6):
        F = run.evaluate(run.space.sample(run.rng, 1))
        for part in range(4):
            run.record(**{f"quantity {i}": float(F[0, 0]) * i + part + step % 7 for i in range(8)})
        if step == 140 and run.rng.random() < 0.4:
            raise RuntimeError("the covariance matrix is singular")
'''

PROBE = """
const seen = (selector) => {
  const box = document.querySelector(selector).getBoundingClientRect();
  return [box.left, box.top, box.right, box.bottom];
};
const said = { verdict: seen(".note.answer > p"), failures: seen(".note.failure"), figure: seen("figure svg") };
said.matrix = seen("#matrix tbody tr");
said.open = [...document.querySelectorAll("details")].filter((part) => part.open).length;
for (const part of document.querySelectorAll("details")) part.open = true;
setTimeout(() => {
  const holders = [...document.querySelectorAll(".scroll")];
  const wide = holders.filter((holder) => holder.scrollWidth > holder.clientWidth + 2);
  said.holders = holders.length;
  said.wide = wide.length;
  said.unseen = wide.filter((holder) => !holder.parentNode.classList.contains("more")).length;
  const over = (element) => element.getBoundingClientRect().right > innerWidth + 1;
  const free = (element) => !element.closest(".scroll, nav, pre, figure svg, .skip");
  said.cut = [...document.querySelectorAll("main *")].filter((element) => free(element) && over(element)).length;
  said.sideways = document.documentElement.scrollWidth > innerWidth;
  parent.postMessage(JSON.stringify([PLACE, said]), "*");
}, 500);
"""


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    """The report of a campaign as large as the first screen must take, one searcher of which records at each step."""
    folder = tmp_path_factory.mktemp("results") / "screens"
    plugin = folder.parent / "chatty.py"
    plugin.write_text(CHATTY)
    ours = {"name": "chatty", "label": "Ours, with a name that is long"}
    known = ["random_search", "nsga2:population=10", "nsga2:population=20"]
    problems = ["lotz:bits=8", "catsum"]
    entries = {"name": "screens", "problems": problems, "searchers": [ours, *known], "plugins": [str(plugin)]}
    campaign = make_campaign(entries | {"seeds": 3, "budget": 150})
    open_campaign(campaign, folder)
    for spec in campaign.specs:
        execute(spec, folder / "runs" / spec.folder, campaign.sources)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("mobench.report.drawings.OVERALL", ())
        return write_report(folder)[0]


def test_a_searcher_that_records_at_each_step_makes_no_large_page(page):
    text = page.read_text("utf-8")
    assert len(text.encode()) < 3_000_000
    assert "the least and the greatest of each of" in html.unescape(text).replace("&#160;", " ")
    drawn = len((page.parent / "figures" / "diagnostics-catsum.csv").read_text().splitlines())
    assert 1_000 < drawn <= POINTS + 1


@pytest.fixture(scope="module")
def screens(page, tmp_path_factory):
    """Where things stand on each screen before anything is clicked, and what is cut once all is open."""
    browser = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if not browser:
        pytest.skip("no Chromium here to open the page with")
    folder = tmp_path_factory.mktemp("screens")
    frames = ""
    for name, (width, height) in SCREENS.items():
        probe = PROBE.replace("PLACE", json.dumps(name))
        text = page.read_text("utf-8").replace("</body>", f"<script>{{{probe}}}</script></body>")
        (folder / f"{name}.html").write_text(text, encoding="utf-8")
        frames += f'<iframe src="{name}.html" width="{width}" height="{height}" style="border:0"></iframe>'
    gather = (
        "const all = {}; addEventListener('message', ({ data }) => { const [name, said] = JSON.parse(data); "
        "all[name] = said; document.body.dataset.said = JSON.stringify(all); });"
    )
    (folder / "both.html").write_text(f"<!DOCTYPE html><body><script>{gather}</script>{frames}</body>")
    command = [browser, "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={folder / 'profile'}"]
    command += ["--window-size=1800,1000", "--virtual-time-budget=8000", "--dump-dom", (folder / "both.html").as_uri()]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    found = re.search(r'data-said="([^"]*)"', done.stdout)
    assert found, done.stderr[-2000:]
    said = json.loads(html.unescape(found[1]))
    assert set(said) == set(SCREENS)
    return said


def test_the_first_screen_holds_the_verdict_and_on_a_desktop_a_figure_and_the_matrix(screens):
    for name, (width, height) in SCREENS.items():
        for part in ("failures", "verdict"):
            left, top, right, bottom = screens[name][part]
            assert left >= 0
            assert 0 < top < bottom < height, (name, part)
            assert right <= width
    assert screens["desktop"]["figure"][3] < 800
    assert screens["desktop"]["matrix"][3] < 800


@pytest.mark.parametrize("name", SCREENS)
def test_everything_but_the_first_screen_is_folded(screens, name):
    assert screens[name]["open"] == 0


@pytest.mark.parametrize("name", SCREENS)
def test_what_is_wider_than_the_screen_scrolls_and_shows_an_edge(screens, name):
    said = screens[name]
    assert said["wide"] > 3
    assert said["holders"] > said["wide"]
    assert said["unseen"] == 0
    assert said["cut"] == 0
    assert not said["sideways"]
