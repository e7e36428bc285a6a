"""mobench: multi-objective neural architecture search, measured honestly.

One harness runs black-box, gradient-based and bilevel searchers on tabular and live problems under one cost ledger.
"""

from __future__ import annotations

import lazy_loader

from mobench.core.version import __version__ as __version__

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)  # `__init__.pyi` lists the names
