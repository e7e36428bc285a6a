"""Draw the figure of a problem's page, `docs/problems/tables/motif_chain.md` say, and print its numbers.

    python scripts/trained/figures.py motif_chain
    python scripts/trained/figures.py motif_chain --steps 4096

The second trains a supernet, too, and says how its one-shot errors rank 300 networks (minutes on one core).
"""

import argparse
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import torch
from kinds import KINDS
from matplotlib.axes import Axes
from scipy.stats import kendalltau

import mobench
from mobench import Array, nondominated
from mobench.analysis.replication import noise_floor, replicate
from mobench.problems._trained.problem import Trained
from mobench.problems._trained.table import errors, load, seeds_of, spread, trained
from mobench.problems.tables import motif_chain, motif_transformer
from mobench.scoring.contract import contract_for
from mobench.scoring.outcome import Outcome

BLUE, RED, GREY = "#2b6cb0", "#c53030", "#a0aec0"
PROBLEMS = {"motif_chain": motif_chain, "motif_transformer": motif_transformer}
LATENCIES = ("latency:cpu_b1", "latency:cpu_b64")
RATE, MOMENTUM, DECAY, CLIP = 0.05, 0.9, 5e-4, 5.0
"""How the supernet is trained: the defaults of `spos`."""


def tau(x: Array, y: Array) -> float:
    """Kendall's tau-b of the pairs that both have."""
    both = ~(np.isnan(x) | np.isnan(y))
    return float(kendalltau(x[both], y[both]).statistic)


def draw_front(axes: Axes, known: Trained) -> None:
    """Show all networks and the true front."""
    F, (_, front) = known.costs, known.front()
    axes.plot(F[:, 1], F[:, 0], ".", color=GREY, markersize=2, rasterized=True)
    order = np.argsort(front[:, 1])
    axes.plot(front[order, 1], front[order, 0], "o", color=RED, markersize=4)
    axes.step([*front[order, 1], F[:, 1].max()], [*front[order, 0], front[:, 0].min()], where="post", color=RED)
    title = f"True front: {len(front)} networks"
    axes.set(xlabel="FLOPs [M multiply-adds]", ylabel="test error [%]", yscale="log", title=title)


def draw_histogram(axes: Axes, error: Array) -> None:
    """Show how the networks' errors are spread."""
    axes.hist(error, bins=np.arange(0, 101, 2), color=BLUE)
    axes.set(xlabel="test error [%]", ylabel="networks", title=f"Errors of {len(error):,} networks")


def draw_noise(axes: Axes, tests: Array) -> None:
    """Show how far the (seeds, n) test errors of one network lie apart, against its error."""
    mean, order = np.nanmean(tests, axis=0), np.argsort(np.nanmean(tests, axis=0))
    twice = (~np.isnan(tests)).sum(axis=0) > 1
    axes.plot(mean[twice], np.nanstd(tests[:, twice], axis=0, ddof=1), ".", color=GREY, markersize=3)
    axes.plot(mean[order], spread(tests)[order], color=RED, label="pooled over 51 networks")
    axes.set(xlabel="mean test error [%]", ylabel="std. dev. between seeds [points]", title="Seed noise")
    axes.legend()


def draw_looks(axes: Axes, known: Trained) -> Array:
    """Show how well the validation error at each look ranks the scored error; returns the taus."""
    ranks = np.array([tau(valid, known.costs[:, 0]) for valid in known.valid])
    axes.plot(known.fidelities, ranks, "o-", color=BLUE)
    xlabel = f"{known.made.look} before the validation error"
    axes.set(xlabel=xlabel, ylabel="Kendall's tau", ylim=(0, 1), title="Rank with scored error")
    return ranks


def report(known: Trained, tests: Array, ranks: Array) -> None:
    """Print the numbers of the page; `tests` are the (seeds, n) test errors of all trainings."""
    error = known.costs[:, 0]
    print(f"networks trained, by seed: {(~np.isnan(tests)).sum(axis=1)}")
    print("error, percentiles 0 5 25 50 75 95 100:", np.percentile(error, [0, 5, 25, 50, 75, 95, 100]).round(1))
    print(f"within six points of the best: {(error < error.min() + 6).mean():.2f}")
    print("FLOPs [M]:", known.costs[:, 1].min(), known.costs[:, 1].max())
    for i in range(1, len(tests)):
        print(f"tau of test errors, seeds 0 and {i}: {tau(tests[0], tests[i]):.3f}")
    noise = spread(tests)
    for low, high in ((0, 5), (5, 10), (10, 20), (20, 40), (40, 100)):
        there = (error >= low) & (error < high)
        if there.any():
            print(f"seed noise at {low} to {high} %: {np.median(noise[there]):.2f} points, {there.sum()} networks")
    print("tau of validation by look with the scored error:", ranks.round(2))
    print(
        f"tau of accuracy with FLOPs {-tau(error, known.costs[:, 1]):.3f}, params {-tau(error, known.costs[:, 2]):.3f}"
    )
    X, F = known.front()
    print(f"true front of error, flops and params, {len(F)} networks:")
    for name, values in zip(known.decode(X), F.round(3), strict=True):
        print("  ", name, *values)


def report_difficulty(name: str, objectives: tuple[str, ...]) -> None:
    """Print the share of the true front that random search and a choice on validation reach, and how noisy it is."""
    known = PROBLEMS[name].problem(objectives=objectives)
    contract = contract_for(known)
    print(f"{', '.join(objectives)}: front of {len(contract.front)}; ", end="")
    whole, there = len(known.made.networks), len(known.networks)
    for n in sorted({200 * there // whole, *(n for n in (50, 200, 1000) if n < there)}):
        asked = f"{name}:objectives=[{','.join(objectives)}]"
        runs = [mobench.run("random_search", asked, budget=n, seed=seed) for seed in range(20)]
        shares = [run.hypervolume() for run in runs]
        sets = {("ab"[i % 2], i // 2): run.delivered() for i, run in enumerate(runs)}
        outcomes = {key: Outcome(X, known.score(X), np.zeros(len(X)), np.zeros(len(X)), {}) for key, X in sets.items()}
        floor = noise_floor({"": replicate(known, contract, outcomes) or {}}, "a", "b", [""])
        print(f"random search {n}: {np.mean(shares):.3f} (noise floor of ten against ten {floor:.3f}); ", end="")
    best = known.networks[nondominated(known.evaluate(known.networks).F)]
    print(f"chosen on validation from all: {contract.share(known.score(best)):.3f}")


def report_supernet(known: Trained, steps: int) -> None:
    """Train shared weights on uniform paths and print how their one-shot errors rank 300 trained networks."""
    torch.set_num_threads(1)
    network, rng = known.supernet(charge=lambda flops: None, seed=0), np.random.default_rng(0)
    weights = network.initial_weights()
    optimizer = torch.optim.SGD(weights.values(), lr=RATE, momentum=MOMENTUM, weight_decay=DECAY)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    for _ in range(steps):
        p = torch.nn.functional.one_hot(torch.as_tensor(known.space.sample(rng, 1)[0]), len(network.operations[0]))
        optimizer.zero_grad()
        network.train_loss(weights, p.float(), network.train_batch()).backward()
        torch.nn.utils.clip_grad_norm_([w for w in weights.values() if w.grad is not None], CLIP)
        optimizer.step()
        schedule.step()
    X = known.networks[rng.choice(len(known.networks), 300, replace=False)]
    found, error = network.one_shot(weights, X, batches=8), known.score(X)[:, 0]
    best, macs = error <= np.median(error), known.made.flops(X)
    print(
        f"supernet, {steps} steps on uniform paths: one-shot errors {np.percentile(found, [0, 50, 100]).round(1)}, ",
        end="",
    )
    print(
        f"tau with the truth {tau(found, error):.3f}, in the better half {tau(found[best], error[best]):.3f}; ", end=""
    )
    print(f"of the truth with FLOPs, of the same: {-tau(error, macs):.3f}, {-tau(error[best], macs[best]):.3f}")


def main() -> None:
    """Draw and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("problem", choices=PROBLEMS)
    parser.add_argument("--steps", type=int, default=0, help="steps of a supernet's training")
    parser.add_argument("--to", type=Path, help="docs/problems/figures/PROBLEM.png by default")
    options = parser.parse_args()
    name, module = options.problem, PROBLEMS[options.problem]
    known, table = module.problem(objectives=("error", "flops", "params")), load(KINDS[name].table)
    seeds = seeds_of(table)
    tests = errors(table, "test", known.made.images[2], seeds)[:, trained(table, seeds[0])]
    figure, axes = plt.subplots(1, 4, figsize=(17, 4), layout="constrained")
    draw_histogram(axes[0], known.costs[:, 0])
    draw_front(axes[1], module.problem())
    draw_noise(axes[2], tests)
    report(known, tests, draw_looks(axes[3], known))
    for latency in LATENCIES:
        error, cost = module.problem(objectives=("error", latency)).costs.T
        print(f"tau of accuracy with {latency} {-tau(error, cost):.3f}")
    to = options.to or Path("docs/problems/figures") / f"{name}.png"
    to.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(to, dpi=110)
    for objectives in (("error", "flops"), ("error", "latency:cpu_b64"), ("error", "flops", "params")):
        report_difficulty(name, objectives)
    if options.steps:
        report_supernet(module.problem(), options.steps)


if __name__ == "__main__":
    main()
