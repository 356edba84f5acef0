"""Python runs this at the start of every process whose PYTHONPATH holds this folder; it plants only where told to."""

import os

if os.environ.get("PLANTING_CONTROL"):
    from tests.support.planting import hook

    hook.install()
