"""Searchers that are careless or hostile: what they do after a few questions, and how their runs have to end."""

from typing import NamedTuple


class Hostile(NamedTuple):
    """What a searcher does beside asking a little, how its runs end, and what is said of them."""

    does: str
    outcome: str = "ended"
    words: str = ""
    before: str = ""

    @property
    def source(self) -> str:
        lines = [f"    {line}" for line in self.does.splitlines()]
        return "\n".join(
            [self.before, "def search(run):", "    run.evaluate(run.space.sample(run.rng, 3))", *lines, ""]
        )


HOSTILE = {
    "chdir": Hostile("import os; os.chdir('/')"),
    "chdir_on_import": Hostile("pass", before="import os; os.chdir('/')"),
    "environment": Hostile("pass", before="import os; os.environ['OMP_NUM_THREADS'] = os.environ['HOME'] = '7'"),
    "patches": Hostile(
        "import numpy as np\nnp.random.default_rng = np.argsort = np.lexsort = type(run).evaluate = None\n"
        "import mobench.harness.log\nmobench.harness.log.Log.__init__ = mobench.harness.log.parse_events = None"
    ),
    "torch_state": Hostile(
        "torch.set_grad_enabled(False); torch.backends.mkldnn.enabled = False; torch.manual_seed(1)",
        before="import torch",
    ),
    "exits": Hostile("raise SystemExit(0)", "failed", "SystemExit: 0"),
    "exits_at_once": Hostile("import os; os._exit(0)", "failed", "its process ended itself (exit code 0)"),
    "interrupts": Hostile("raise KeyboardInterrupt", "failed", "KeyboardInterrupt"),
    "cancels": Hostile("import asyncio; raise asyncio.CancelledError('x')", "failed", "CancelledError: x"),
    "mute": Hostile(
        "raise Mute",
        "failed",
        "Mute: (its text cannot be had: ValueError)",
        before="class Mute(Exception):\n    def __str__(self):\n        raise ValueError\n",
    ),
    "surrogate": Hostile(r"raise ValueError('\ud800\x1b[2J\x00')", "failed", r"ValueError: \ud800\x1b[2J\x00"),
    "endless": Hostile("raise ValueError('x' * 50_000_000)", "failed", "xxx ... (49,9"),
    "generator": Hostile("yield 1", "failed", "it must not yield or await"),
    "coroutine": Hostile(
        "return go(run)", "failed", "it must not yield or await", before="async def go(run):\n    run.evaluate([])\n"
    ),
    "crashes": Hostile("import os; os.kill(os.getpid(), 11)", "failed", "its process crashed (SIGSEGV)"),
    "kills_itself": Hostile("import os; os.kill(os.getpid(), 9)", "failed", "its worker died (exit code -9), 2 times"),
    "orphans": Hostile("import os, time\nif os.fork() == 0:\n    time.sleep(600)"),
    "greedy": Hostile("held = bytearray(3 * 10**9)", "failed", "MemoryError"),
    "no_room": Hostile("import errno; raise OSError(errno.ENOSPC, 'no room')", "failed", "no room"),
    "leaves_nothing": Hostile(
        "import mobench.harness.execute\nmobench.harness.execute.write_document = lambda *_: None",
        "interrupted",
        "said that it had ended, and left no end.json",
    ),
    "out_of_memory": Hostile("raise MemoryError", "failed", "MemoryError"),
    "storage": Hostile(
        "from mobench.harness.log import StorageError; raise StorageError('x')", "failed", "StorageError: x"
    ),
    "lost": Hostile("from mobench.harness.log import RunIsLost; raise RunIsLost('x')", "failed", "RunIsLost: x"),
    "spent_out": Hostile(
        "from mobench.core.budget import BudgetExhausted; raise BudgetExhausted", "failed", "the budget was not spent"
    ),
    "forges_its_log": Hostile(
        "import pathlib\nfor path in pathlib.Path('/proc/self/fd').iterdir():\n"
        "    if str(path.resolve()).endswith('log.jsonl'):\n"
        "        path.resolve().open('a').write('{\"record\":{\"x\":1}}\\n')"
    ),
    "silent": Hostile("import os, sys; os.close(1); sys.stdout = None"),
    "closes_all": Hostile("import os; os.closerange(0, 4096)", "interrupted or failed"),
}

LATE = {
    "sleeps": Hostile("import time; time.sleep(600)", "failed", "took longer than its time limit of 1 s"),
    "deaf": Hostile(
        "import time\nwhile True:\n    try:\n        time.sleep(600)\n    except BaseException:\n        pass",
        "failed",
        "did not stop when its time limit of 1 s was over",
    ),
}
