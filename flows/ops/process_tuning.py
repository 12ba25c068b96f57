"""Memory settings of a run's process."""

import gc
import os


def prepare_memory() -> None:
    """Let what one bucket frees be there for the next; to be called before polars is imported.

    Giving memory back and taking it again costs a quarter of the time of the rules, most of it in the kernel.
    What nothing takes for ten seconds, a few buckets' time, polars gives back. Python looks for garbage less
    often: that is a tenth of the time of the imports, and a run makes little of it.
    """
    os.environ.setdefault("_RJEM_MALLOC_CONF", "dirty_decay_ms:10000,muzzy_decay_ms:10000")
    gc.set_threshold(50_000)
