"""Makes `python -m exporter` the same as `kpi-exporter`."""

from exporter.cli import entry

entry()
