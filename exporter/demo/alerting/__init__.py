"""Prometheus and Alertmanager in the demo, and what arrives at the end of that way."""
