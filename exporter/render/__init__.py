"""Turns the catalogue into rules, their tests, dashboards and runbooks; pure."""
