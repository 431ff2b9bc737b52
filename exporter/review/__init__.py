"""Reviews one statement: parsed in a process of its own, planned, never executed."""
