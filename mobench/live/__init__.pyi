"""The names of `mobench.live`, each from its home."""

from .blocks import ElasticHeads as ElasticHeads
from .blocks import ElasticMLP as ElasticMLP
from .data import Dataset as Dataset
from .data import load_data as load_data
from .genes import Gene as Gene
from .genes import Quantity as Quantity
from .latency import Latency as Latency
from .latency import measure_in_turn as measure_in_turn
from .latency import measure_latency as measure_latency
from .layers import Choice as Choice
from .layers import ElasticBatchNorm as ElasticBatchNorm
from .layers import ElasticConstant as ElasticConstant
from .layers import ElasticConv2d as ElasticConv2d
from .layers import ElasticDepth as ElasticDepth
from .layers import ElasticLayerNorm as ElasticLayerNorm
from .layers import ElasticLinear as ElasticLinear
from .layers import Repeat as Repeat
from .meter import metered as metered
from .module_problem import ModuleProblem as ModuleProblem
from .module_problem import problem as problem
from .module_space import ModuleSpace as ModuleSpace
from .peak import peak_memory as peak_memory
from .training import Recipe as Recipe
from .training import crops_and_flips as crops_and_flips
