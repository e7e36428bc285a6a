"""The torch side, public: modules as search spaces, live trainings, and what it takes to meter and measure them."""

from __future__ import annotations

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)  # `__init__.pyi` lists the names
