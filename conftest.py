"""What all tests share: the same examples in every run, and no compiled code kept on disk."""

import os

from hypothesis import settings

os.environ.setdefault("CHAINRULE_CACHE", "0")
settings.register_profile("chainrule", derandomize=True, deadline=None, database=None)
settings.load_profile("chainrule")
