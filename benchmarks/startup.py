"""Time what a user waits for before anything happens: imports, help, loading tables."""

import statistics
import subprocess
import sys
import time

COMMANDS = {
    "python -c pass": [sys.executable, "-c", "pass"],
    "import mobench": [sys.executable, "-c", "import mobench"],
    "import numpy": [sys.executable, "-c", "import numpy"],
    "mobench --help": [sys.executable, "-m", "mobench", "--help"],
    "mobench list": [sys.executable, "-m", "mobench", "list"],
}


def seconds(command: list[str]) -> float:
    """Wall time of a command, the output thrown away."""
    start = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - start


if __name__ == "__main__":
    for name, command in COMMANDS.items():
        seconds(command)
        print(f"{name:<18} {1000 * statistics.median(seconds(command) for _ in range(7)):6.0f} ms")
    import mobench

    for reference in ("motif", "nasbench_graph", "nasbench201"):
        try:
            mobench.make_problem(reference, {})  # the first time: imports, and a cache where there is one
            from mobench.plugins import catalogue as plugins

            plugins._built.cache_clear()
            start = time.perf_counter()
            problem = mobench.make_problem(reference, {})
            problem.score(problem.space.at([0]))
            print(f"load {reference:<13} {1000 * (time.perf_counter() - start):6.1f} ms")
        except ValueError as error:
            print(f"load {reference}: {error}")
