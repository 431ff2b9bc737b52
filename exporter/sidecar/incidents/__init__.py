"""Keeps what was alerted together with its cause, and tells receivers about it."""
