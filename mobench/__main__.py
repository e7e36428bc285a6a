"""``python -m mobench`` is the command ``mobench``."""

import sys

from mobench.cli.main import main

sys.exit(main())
