"""Keeps a checkpoint, and takes up its work at another place than it left it."""


def search(run):
    state = run.restore() or {"step": 0}
    for step in range(int(state["step"]), 1000):
        run.evaluate(run.space.at([step % run.space.size]))
        run.checkpoint(step=step + 2)
