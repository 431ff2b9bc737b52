"""kpi-exporter: which performance promise is broken, and what broke it."""

from importlib.metadata import version

__version__ = version("kpi-exporter")
