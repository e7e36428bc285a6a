"""GHN: a hypernetwork that reads an architecture as a graph and makes its weights (Zhang et al. 2019)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np
import torch
from annotated_types import Ge, Interval
from torch import Tensor, nn

from mobench import Array, CategoricalSupernet, ComputeBudget, Run
from mobench.searchers._one_shot import supernet as _one_shot
from mobench.searchers._one_shot.evolution import evolved
from mobench.searchers._one_shot.making import Made, Making, layer
from mobench.searchers._relaxed.linear import Weights
from mobench.searchers._relaxed.settings import Count, NotNegative, Positive, Width

needs = (CategoricalSupernet, ComputeBudget)


@dataclass(frozen=True, kw_only=True)
class Options(Making):
    """Options of the graph hypernetwork.

    Attributes
    ----------
    hidden : int
        Length of a node's vector; 32 in the code of GHN-2.
    rounds : int
        How often messages go through the graph, forwards and backwards; 1 in the code of GHN-2.
    reach : int
        Longest path over which nodes hear of each other, of those that are farther the less: 50 in GHN-2; 1 leaves
        such virtual edges out, as GHN-1.
    population : int
        Of NSGA-II, which searches with the weights made; 20 as in `nsga2`. The paper scores random architectures.
    learning_rate : float
        Of Adam, with cosine decay along the ledger; the paper's code, which lowers it in two steps.
    weight_decay : float
        Of Adam; the paper's code.
    """

    hidden: Width = 32
    rounds: Annotated[int, Interval(ge=1, le=100)] = 1
    reach: Count = 50
    population: Annotated[int, Ge(2)] = 20
    learning_rate: Positive = 1e-3
    weight_decay: NotNegative = 1e-5

    def optimizer(self, learned: Weights) -> torch.optim.Optimizer:
        """Adam."""
        return torch.optim.Adam(learned.values(), lr=self.learning_rate, weight_decay=self.weight_decay)


def search(run: Run, options: Options) -> None:
    """Train the hypernetwork on uniform architectures, search with the weights that it makes; train finalists.

    Genes are the nodes of the graph. A weight is made of the vector of its gene, and of the mean of all where it
    belongs to none. Needs a budget of trainings or flops.
    """
    network = run.supernet
    like = network.initial_alpha()
    genes, told = len(like), {name: getattr(network, name, ()) for name in ("wires", "owners")}
    generator = torch.Generator().manual_seed(int(run.rng.integers(2**31)))
    graph = distances(genes, tuple(told["wires"]), options.reach)
    encoder = GatedGraph(graph, like.shape[1], options, generator)
    rows = {name: 1 + gene for name, gene in dict(told["owners"]).items()}

    made = Made(run, encoder, rows, (1 + genes, options.hidden))
    _one_shot.search(run, options, evolved(run, options.population), made)


def distances(genes: int, wires: tuple[tuple[int, int], ...], reach: int) -> Array:
    """Lengths of the shortest paths along `wires`, (d, d) int64, from row to column; 0 where there is none in reach."""
    lengths = np.zeros((genes, genes), dtype=np.int64)
    step = np.zeros((genes, genes), dtype=bool)
    for before, after in wires:
        step[before, after] = True
    reached = step
    for length in range(1, min(reach, genes) + 1):
        lengths[reached & (lengths == 0)] = length
        reached = reached @ step
    return lengths


class GatedGraph(nn.Module):
    """A gated graph network over the genes: p, (d, k), to the mean of their vectors and these, (1 + d, h).

    A node begins as the embedding of its operation and of its gene. It hears of its predecessors, node after node, and
    then, backwards, of its successors: the sum over them of what one network says of their vectors, of those s wires
    away by another and divided by s (Knyazev et al. 2021, equation 4), goes through a gated recurrent cell.
    """

    def __init__(self, lengths: Array, k: int, options: Options, generator: torch.Generator) -> None:
        super().__init__()
        d, h, half = len(lengths), options.hidden, (options.hidden + 1) // 2
        build: Any = nn.utils.skip_init
        self.rounds, self.lengths = options.rounds, lengths
        every = distances(d, tuple(zip(*np.nonzero(lengths == 1), strict=True)), d)  # whatever is in reach
        self.order = np.argsort((every > 0).sum(axis=0), kind="stable").tolist()
        self.operations = layer(k, h, generator, bias=False)
        self.genes = nn.Parameter(torch.empty(d, h).uniform_(-1.0, 1.0, generator=generator))
        self.near, self.far = (
            nn.Sequential(layer(h, half, generator), nn.ReLU(), layer(half, h, generator)) for _ in range(2)
        )
        self.cell = build(nn.GRUCell, h, h)
        for parameter in self.cell.parameters():
            nn.init.uniform_(parameter, -(h**-0.5), h**-0.5, generator=generator)

    def forward(self, p: Tensor) -> Tensor:
        """The codes."""
        nodes = list((self.operations(p) + self.genes).unbind())
        for _ in range(self.rounds):
            for lengths, turn in ((self.lengths.T, self.order), (self.lengths, self.order[::-1])):
                for node in turn:
                    nodes[node] = self.cell(self._message(nodes, lengths[node]), nodes[node][None])[0]
        vectors = torch.stack(nodes)
        return torch.cat([vectors.mean(dim=0, keepdim=True), vectors])

    def _message(self, nodes: list[Tensor], lengths: Array) -> Tensor:
        """What a node hears, (1, h), of the nodes at these lengths."""
        heard = torch.zeros_like(nodes[0])
        for other in np.flatnonzero(lengths).tolist():
            say = self.near if lengths[other] == 1 else self.far
            heard = heard + say(nodes[other]) / int(lengths[other])
        return heard[None]
