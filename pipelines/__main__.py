"""``python -m pipelines`` is ``cam-audit``."""

import sys

from pipelines.cli import main

sys.exit(main())
