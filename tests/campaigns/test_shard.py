"""Shards divide a campaign; shards in processes of their own, killed or not, merge to the logs of one process."""

import signal

import pytest
from _campaigns import alone, ends, family, logs, mobench, said, wait_for_work, wait_until_gone, write_campaign
from hypothesis import given
from hypothesis import strategies as st

from mobench.campaigns.shard import Shard, parse_shard, share
from mobench.harness.spec import RunSpec


@given(st.integers(0, 60), st.integers(1, 20))
def test_every_run_is_in_one_shard_and_shards_differ_by_one_run_at_most(runs, count):
    specs = [RunSpec("catsum", "nsga2", seed, {"evaluations": 10}) for seed in range(runs)]
    shares = [share(specs, Shard(number, count)) for number in range(1, count + 1)]
    assert sorted(spec.seed for part in shares for spec in part) == list(range(runs))
    assert max(map(len, shares)) - min(map(len, shares)) <= 1
    assert all([spec.seed for spec in part] == sorted(spec.seed for spec in part) for part in shares)


def test_shares_are_the_same_in_every_process_and_mix_the_pairs():
    pairs = [(p, s) for p in ("catsum", "lotz") for s in ("nsga2", "random_search")]
    specs = [RunSpec(p, s, seed, {"evaluations": 10}) for seed in range(40) for p, s in pairs]
    first = share(specs, Shard(1, 4))
    assert [spec.seed for spec in first][:8] == [0, 0, 0, 1, 2, 4, 6, 6]
    assert {(spec.problem, spec.searcher) for spec in first} == set(pairs)


@pytest.mark.parametrize(
    "text", ["", "3", "0/4", "5/4", "-1/4", "1/0", "a/b", "1/4/2", " 1/4", "1.0/4", "²/4", "1/1000000000000"]
)
def test_what_is_no_shard_is_refused(text):
    with pytest.raises(ValueError, match="shard: expected NUMBER/COUNT"):
        parse_shard(text)


def test_a_shard_is_read_as_it_is_written():
    assert parse_shard("3/8") == Shard(3, 8)
    assert str(parse_shard("3/8")) == "3/8"


@pytest.mark.long
def test_shards_at_the_same_time_one_of_them_killed_merge_to_the_logs_of_one_process(tmp_path):
    expected = alone(write_campaign(tmp_path, seeds=2) / "c.toml", tmp_path / "alone")
    runs = tmp_path / "results" / "kills" / "runs"
    jobs = [mobench("run", "c.toml", "--shard", f"{i}/3", "-w", 1, "-q", cwd=tmp_path) for i in (1, 2, 3)]
    assert wait_for_work(jobs[1], runs)
    workers = family(jobs[1])
    jobs[1].send_signal(signal.SIGKILL)
    jobs[1].communicate()
    assert wait_until_gone(workers) == []
    for number, job in ((1, jobs[0]), (3, jobs[2])):
        code, lines = said(job)
        assert (code, lines) == (0, [f"mobench: shard {number}/3: 4 runs ended"])
    left = 12 - len(ends(runs))
    assert 1 <= left <= 4
    code, lines = said(mobench("run", "c.toml", "-q", "-w", 2, cwd=tmp_path))  # any other parent takes them up
    assert (code, lines) == (0, [f"mobench: {left} runs ended, {12 - left} had before"])
    assert logs(runs) == expected
    code, lines = said(mobench("run", "c.toml", "--shard", "2/3", "-q", cwd=tmp_path))
    assert (code, lines) == (0, ["mobench: shard 2/3: 0 runs ended, 4 had before"])


def test_retrying_failed_runs_of_a_shard_leaves_those_of_others_alone(tmp_path):
    (tmp_path / "bad.py").write_text("def search(run):\n    raise RuntimeError('no such luck')\n")
    run = ["run", "-p", "catsum", "-s", "bad", "--plugin", "bad.py", "--seeds", "4", "-b", "5", "-q", "-w", "1"]
    assert said(mobench(*run, cwd=tmp_path))[0] == 1
    code, lines = said(mobench(*run, "--retry-failed", "--shard", "1/2", cwd=tmp_path))
    assert code == 1
    assert lines[0] == "mobench: shard 1/2: 0 runs ended, 2 failed"
    assert len(list(tmp_path.rglob("*.failed-1"))) == 2
