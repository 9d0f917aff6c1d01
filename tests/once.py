"""What takes long to make and is only read: made by one test process, and kept for all of this run."""

import fcntl
import os
import pickle


def once(tmp_path_factory, name, make):
    """Return what ``make(folder)`` returns, which must pickle; whoever comes meanwhile waits for it."""
    base = tmp_path_factory.getbasetemp()
    shared = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / f"once-{name}"
    shared.mkdir(exist_ok=True)
    kept, folder = shared / "made.pickle", shared / "folder"
    with (shared / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not kept.exists():
            folder.mkdir(exist_ok=True)
            kept.write_bytes(pickle.dumps(make(folder)))
    return pickle.loads(kept.read_bytes())  # noqa: S301 - what was written above
