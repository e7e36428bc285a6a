"""Time planning, index and status of a campaign of very many ended runs: what each costs a run, and how it grows."""

import argparse
import contextlib
import io
import json
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from mobench.campaigns.reading import make_campaign
from mobench.campaigns.record import open_campaign
from mobench.harness.execute import execute

PAIRS = {"problems": ["catsum", "lotz:bits=14"], "searchers": ["random_search", "nsga2:population=4"], "budget": 5}


def make_runs(folder: Path, count: int) -> None:
    """Put the folders of `count` ended runs there, as true as real ones: those of each pair differ in their seed."""
    campaign = make_campaign(PAIRS | {"name": "many", "seeds": count // 4})
    open_campaign(campaign, folder)
    samples: dict[tuple[str, str], dict[str, bytes]] = {}
    for spec in campaign.specs:
        run = folder / "runs" / spec.folder
        pair = (spec.problem, spec.searcher)
        if pair not in samples:
            execute(spec, run)
            samples[pair] = {path.name: path.read_bytes() for path in run.iterdir()}
        else:
            run.mkdir()
            seed = samples[pair]["spec.json"].replace(b'"seed": 0', b'"seed": %d' % spec.seed)
            for name, content in (samples[pair] | {"spec.json": seed}).items():
                (run / name).write_bytes(content)


def measure(folder: Path) -> dict[str, float]:
    """CPU seconds of each step in this process, which is a fresh one, and its peak of memory in MiB."""
    from mobench.campaigns.index import INDEX, run_states
    from mobench.campaigns.record import load_campaign
    from mobench.cli.main import main
    from mobench.engines.engine import run_campaign

    took: dict[str, float] = {}

    @contextlib.contextmanager
    def timed(name: str):  # noqa: ANN202
        start = time.process_time()
        yield
        took[name] = time.process_time() - start

    with timed("read the campaign"):
        campaign = load_campaign(folder)
        specs = campaign.specs
    with timed("name all folders"):
        places = [spec.folder for spec in specs]
    (folder / INDEX).unlink(missing_ok=True)
    with timed("states, first look"):
        run_states(folder, places)
    with timed("states, index there"):
        assert set(run_states(folder, places)) == {"ended"}
    with timed("plan: nothing to do"):
        assert run_campaign(campaign, folder, progress=False).already == len(specs)
    with timed("mobench status"), contextlib.redirect_stdout(io.StringIO()):
        assert main(["status", str(folder)]) == 0
    return took | {"memory": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=20_000, help="of the larger campaign; the smaller has a quarter")
    parser.add_argument("--measure", type=Path, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.measure:
        print(json.dumps(measure(args.measure)))
        sys.exit()
    found = []
    for count in (args.runs // 4, args.runs):
        folder = Path(tempfile.mkdtemp())
        try:
            make_runs(folder, count)
            command = [sys.executable, __file__, "--measure", str(folder)]
            found.append(json.loads(subprocess.run(command, check=True, capture_output=True).stdout))
            print(f"{count} runs: {found[-1]}", flush=True)
        finally:
            shutil.rmtree(folder)
    print(f"{args.runs} runs; CPU time; growth is the cost of a run over its cost in a campaign a quarter as large")
    for name in found[0]:
        few, many = (result[name] for result in found)
        if name == "memory":
            print(f"{name:<22}{many:9.0f} MiB, {few:.0f} MiB for a quarter")
        else:
            print(f"{name:<22}{1e6 * many / args.runs:9.1f} us a run, {many:.2f} s; growth {many / few / 4:.2f}")
