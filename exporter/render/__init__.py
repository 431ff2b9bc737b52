"""Turns the catalogue into rules, rule tests, dashboards and runbooks: pure functions."""
