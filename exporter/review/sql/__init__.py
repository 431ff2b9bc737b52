"""What needs sqlglot: for the worker process alone, which may be killed at any time."""
