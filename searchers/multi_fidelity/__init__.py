"""Many short trainings, few long ones: searchers that ask at several fidelities."""
