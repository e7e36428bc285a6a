"""``python -m mobench.cli``."""

from __future__ import annotations

import sys

from mobench.cli.main import main

sys.exit(main())
