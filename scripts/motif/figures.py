"""Draw the figure of `docs/problems/tables/motif.md` and print its numbers, from the table alone.

    python scripts/motif/figures.py --shared PATH

The comparison with CIFAR-10 needs `nasbench201/nats_bench.csv` and `accuracy_12_epochs.csv` in the folder `--shared`.
"""

import argparse
import csv
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from scipy.stats import kendalltau

import mobench
from mobench import Array, load_table, nondominated
from mobench.analysis.replication import noise_floor, replicate
from mobench.problems._cells.latency_table import fitted_table
from mobench.problems._cells.noise import NEIGHBOURS, seed_noise
from mobench.problems._cells.space import all_cells, from_strings, functional_classes, index
from mobench.problems._images.motif import TEST
from mobench.problems._motif.table import TABLE, errors, seeds_of
from mobench.problems.tables.motif import Motif, problem
from mobench.scoring.contract import contract_for
from mobench.scoring.outcome import Outcome

BLUE, RED, GREY = "#2b6cb0", "#c53030", "#a0aec0"


def tau(x: Array, y: Array) -> float:
    """Kendall's tau-b of the pairs that both have."""
    both = ~(np.isnan(x) | np.isnan(y))
    return float(kendalltau(x[both], y[both]).statistic)


def real_accuracy(shared: Path) -> dict[str, Array]:
    """Read CIFAR-10 accuracies, in the order of all genotypes; those whose file is absent are left out."""
    sources = {
        "200 epochs, test": ("nats_bench.csv", "ArchitectureString", "CIFAR10TestAccuracy200Epochs"),
        "12 epochs, validation": ("accuracy_12_epochs.csv", "cellstr", "cifar10-val"),
    }
    found = {}
    for name, (file, cell, accuracy) in sources.items():
        path = shared / "nasbench201" / file
        if path.exists():
            with path.open() as lines:
                entries = list(csv.DictReader(lines))
            found[name] = np.empty(len(entries))
            found[name][index(from_strings([e[cell] for e in entries]))] = [float(e[accuracy]) for e in entries]
    return found


def draw_histogram(axes: Axes, accuracy: Array) -> None:
    """Show how the networks' accuracies are spread."""
    axes.hist(accuracy, bins=np.arange(0, 101, 1), color=BLUE)
    axes.set(xlabel="mean test accuracy [%]", ylabel="networks", yscale="log", title="Accuracy of 5,260 networks")


def draw_front(axes: Axes, motif: Motif) -> None:
    """Show all networks and the true front."""
    F, (_, front) = motif.costs, motif.front()
    axes.plot(F[:, 1], F[:, 0], ".", color=GREY, markersize=2, rasterized=True)
    order = np.argsort(front[:, 1])
    axes.plot(front[order, 1], front[order, 0], "o", color=RED, markersize=4)
    axes.step([*front[order, 1], F[:, 1].max()], [*front[order, 0], front[:, 0].min()], where="post", color=RED)
    title = f"True front: {len(front)} networks"
    axes.set(xlabel="FLOPs [M multiply-adds]", ylabel="mean test error [%]", yscale="log", title=title)


def draw_noise(axes: Axes, trained: Array) -> None:
    """Show how far the (seeds, n) test errors of one network lie apart, against its accuracy."""
    accuracy, order = 100 - np.nanmean(trained, axis=0), np.argsort(np.nanmean(trained, axis=0))
    spread = np.nanstd(trained, axis=0, ddof=1)
    axes.plot(accuracy, spread, ".", color=GREY, markersize=2, rasterized=True)
    axes.plot(accuracy[order], seed_noise(trained)[order], color=RED, label=f"pooled over {NEIGHBOURS} networks")
    axes.set(
        xlabel="mean test accuracy [%]", ylabel="std. dev. between seeds [points]", yscale="log", title="Seed noise"
    )
    axes.set_ylim(bottom=0.02)
    axes.legend(loc="lower left")


def draw_epochs(axes: Axes, motif: Motif) -> Array:
    """Show how well each epoch's validation error ranks the final test error; returns the (12,) taus."""
    epochs = np.array(motif.fidelities)
    final = np.nanmean(motif.test, axis=0)
    mean = np.array([tau(motif.valid[:, e - 1].mean(axis=0), final) for e in epochs])
    axes.plot(epochs, mean, "o-", color=BLUE)
    axes.set(
        xlabel="epoch of the validation error", ylabel="Kendall's tau", ylim=(0, 1), title="Rank with final test error"
    )
    return mean


def draw_learning(axes: Axes, motif: Motif) -> None:
    """Show the validation accuracy of the networks by epoch, as percentiles."""
    accuracy = 100 - motif.valid.mean(axis=0)
    for low, high, alpha in ((5, 95, 0.2), (25, 75, 0.4)):
        bounds = np.percentile(accuracy, [low, high], axis=1)
        axes.fill_between(motif.fidelities, *bounds, color=BLUE, alpha=alpha, label=f"{low} to {high} %")
    axes.plot(motif.fidelities, np.median(accuracy, axis=1), color=BLUE, label="median")
    axes.set(xlabel="epoch", ylabel="validation accuracy [%]", title="Learning curves, percentiles of networks")
    axes.legend(loc="lower right")


def draw_real(axes: Axes, accuracy: Array, real: dict[str, Array]) -> None:
    """Show Motif's accuracy against that on CIFAR-10, one point a network."""
    if not real:
        axes.text(0.5, 0.5, "NAS-Bench-201 table absent", ha="center")
        return
    first = np.unique(functional_classes())
    axes.plot(real["200 epochs, test"][first], accuracy, ".", color=BLUE, markersize=2, rasterized=True)
    axes.set(
        xlabel="CIFAR-10 test accuracy [%], 200 epochs", ylabel="Motif test accuracy [%]", title="Against CIFAR-10"
    )


def draw_latency(axes: Axes, latency: Array, against: Array, *, label: str, title: str) -> None:
    """Show the measured latency against another cost, one point a network."""
    axes.plot(against, latency, ".", color=BLUE, markersize=2, rasterized=True)
    axes.set(xlabel=label, ylabel="CPU latency of 64 images [ms]", ylim=(0, None), title=title)


def report_latency(motif: Motif) -> None:
    """Print how the latency columns spread, how far they can be trusted, and what a sum over operations leaves out."""
    table, cells = load_table(TABLE), all_cells()[np.unique(functional_classes())]
    for name in (name for name in table.columns if name.startswith("latency:")):
        column, about = table[name].astype(float), table.columns[name].about
        print(f"{name}: percentiles 0 5 50 95 100: {np.percentile(column, [0, 5, 50, 95, 100]).round(3)} ms, ", end="")
        print(f"tau with FLOPs {tau(column, motif.macs):.3f}, {about}")
        fitted = fitted_table(cells, column)
        missed = np.median(abs(fitted.predict(cells) / column - 1))
        print(f"  sum over operations {np.round([fitted.fixed, *fitted.operations], 3)} ms: ", end="")
        print(f"tau {tau(fitted.predict(cells), column):.3f}, misses the measured one by {100 * missed:.1f} % (median)")


def report(motif: Motif, real: dict[str, Array], per_epoch: Array, trained: Array) -> None:
    """Print the numbers of the page; `trained` are the (seeds, n) test errors of all trainings."""
    final = np.nanmean(motif.test, axis=0)
    counts = (~np.isnan(trained)).sum(axis=0)
    print(f"seeds a network: {dict(zip(*np.unique(counts, return_counts=True), strict=True))}")
    print(
        "accuracy, percentiles 0 5 25 50 75 95 100:", np.percentile(100 - final, [0, 5, 25, 50, 75, 95, 100]).round(2)
    )
    for i in range(3):
        for j in range(i):
            print(f"tau of test errors, seeds {j} and {i}: {tau(trained[j], trained[i]):.3f}")
    spread = seed_noise(trained)
    for low, high in ((0, 2.5), (2.5, 4), (4, 8), (8, 50)):
        there = (final >= low) & (final < high)
        print(f"seed noise at error {low} to {high} %: {np.median(spread[there]):.2f} points, {there.sum()} networks")
    print("tau of validation at epoch 1..12 with final test:", per_epoch.round(3))
    _, member = np.unique(functional_classes(), return_inverse=True)
    print(f"tau of accuracy and FLOPs: {tau(100 - final, motif.macs):.3f} (networks)")
    genotypes = (100 - final)[member]
    for name, values in real.items():
        networks = np.bincount(member, values) / np.bincount(member)
        print(f"CIFAR-10, {name}: tau {tau(genotypes, values):.3f} over genotypes, ", end="")
        print(f"{tau(100 - final, networks):.3f} over networks; ", end="")
        print(f"of its FLOPs with it {tau(motif.macs[member].astype(float), values):.3f} over genotypes")
    X, F = motif.front()
    print(f"true front, {len(F)} networks:")
    for name, values in zip(motif.decode(X), F.round(3), strict=True):
        print("  ", name, *values)


def report_difficulty(objectives: tuple[str, ...]) -> None:
    """Print the share of the true front that random search and a choice on validation reach, and how noisy it is."""
    motif = problem(objectives=objectives)
    contract = contract_for(motif)

    def floor(first: list[Array], second: list[Array]) -> float:
        """Replication noise floor of the difference of two searchers with these sets."""
        sets = {(name, i): X for name, mine in (("a", first), ("b", second)) for i, X in enumerate(mine)}
        blank = {key: np.zeros(len(X)) for key, X in sets.items()}
        runs = {key: Outcome(X, motif.score(X), blank[key], blank[key], {}) for key, X in sets.items()}
        return noise_floor({"": replicate(motif, contract, runs) or {}}, "a", "b", [""])

    print(f"{', '.join(objectives)}: front of {len(contract.front)}; ", end="")
    for n in (50, 200, 1000):
        name = f"motif:objectives=[{','.join(objectives)}]"
        runs = [mobench.run("random_search", name, budget=n, seed=seed) for seed in range(20)]
        sets = [run.delivered() for run in runs]
        print(f"random search {n}: {np.mean([run.hypervolume() for run in runs]):.3f} ", end="")
        print(f"(noise floor between ten runs and ten {floor(sets[:10], sets[10:]):.3f}); ", end="")
    X = motif.space.at(np.unique(functional_classes()))
    best = X[nondominated(motif.evaluate(X).F)]
    print(f"chosen on validation from all: {contract.share(motif.score(best)):.3f} ", end="")
    worlds = (
        replicate(motif, contract, {("all", 0): Outcome(best, motif.score(best), best[:, 0], best[:, 0], {})}) or {}
    )
    print(f"(with other trainings a standard deviation of {np.std(worlds['all']):.3f})")


def main() -> None:
    """Draw and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shared", type=Path, default=Path("../shared/data"))
    parser.add_argument("--to", type=Path, default=Path("docs/problems/figures/motif.png"))
    options = parser.parse_args()
    motif, table = problem(objectives=("error", "flops")), load_table(TABLE)
    trained = errors(table, "test", TEST, seeds_of(table))
    real = real_accuracy(options.shared)
    accuracy = 100 - np.nanmean(motif.test, axis=0)
    figure, axes = plt.subplots(2, 4, figsize=(17, 7.5), layout="constrained")
    draw_histogram(axes[0, 0], accuracy)
    draw_front(axes[0, 1], motif)
    draw_noise(axes[0, 2], trained)
    per_epoch = draw_epochs(axes[1, 0], motif)
    draw_real(axes[1, 1], accuracy, real)
    draw_learning(axes[1, 2], motif)
    small, large = (problem(objectives=(f"latency:cpu_b{batch}",)).costs[:, 0] for batch in (1, 64))
    draw_latency(axes[0, 3], large, motif.macs / 1e6, label="FLOPs [M multiply-adds]", title="Latency against FLOPs")
    draw_latency(axes[1, 3], large, small, label="CPU latency of one image [ms]", title="Latency at two batch sizes")
    options.to.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(options.to, dpi=110)
    report(motif, real, per_epoch, trained)
    report_latency(motif)
    for objectives in (("error", "flops"), ("error", "flops", "params"), ("error", "latency:cpu_b64")):
        report_difficulty(objectives)


if __name__ == "__main__":
    main()
