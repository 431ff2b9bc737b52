"""Mistakes in a file of the catalogue, and what is said of each."""

MISTAKES = [
    (
        "unit: seconds",
        "unit: second",
        (
            "7: kpis.0.unit: there are 'seconds', 'ratio', 'bytes', "
            "'count' or 'per_second'"
        ),
    ),
    (
        "limit: 30s",
        "limit: 30%",
        (
            "13: kpis.0.alerts.0.limit: '30%' is no limit in seconds; write "
            "it as 12ms or 12s or 12m or 12h or 12d"
        ),
    ),
    (
        "{warning: 10s}",
        "{warning: 10GiB}",
        (
            "16: kpis.0.profiles.mcp-v2.warning.limit: '10GiB' is no limit in "
            "seconds; write it as 12ms or 12s or 12m or 12h or 12d"
        ),
    ),
    (
        "limit: 2m",
        "limit: 20s",
        "12: kpis.0.alerts: critical (20) is milder than warning (30)",
    ),
    (
        "{warning: 10s}",
        "{warning: 10m}",
        "15: kpis.0.profiles: mcp-v2: critical (120) is milder than warning (600)",
    ),
    (
        "severity: critical",
        "severity: warning",
        "12: kpis.0.alerts: two alerts have the same severity",
    ),
    (
        "mcp-v2:",
        "mcp-v3:",
        (
            "16: kpis.0.profiles.mcp-v3: there are "
            "'mcp-security-platform', 'stellar-logic', 'ultimate-mcp', "
            "'developer-mesh' or 'mcp-v2'"
        ),
    ),
    (
        "severity: critical",
        "severity: fatal",
        ("14: kpis.0.alerts.1.severity: there are 'critical', 'warning' or 'info'"),
    ),
    (
        "{warning: 10s}",
        "{fatal: {limit: 10s, for: 1m}}",
        ("16: kpis.0.profiles.mcp-v2.fatal: there are 'critical', 'warning' or 'info'"),
    ),
    (
        "{warning: 10s}",
        "{warning: -10s}",
        (
            "15: kpis.0.profiles: mcp-v2: it would be broken always, or never; "
            "0s or more is wanted"
        ),
    ),
    (
        "{warning: 10s}",
        "{info: 10s}",
        "16: kpis.0.profiles.mcp-v2.info.for: is needed",
    ),
    (
        "{severity: critical, limit: 2m, for: 5m}",
        "{severity: critical, limit: 2m, for: 5 minutes}",
        (
            "14: kpis.0.alerts.1.for: '5 minutes' is not a duration; write "
            "15s, 500ms or 1m30s"
        ),
    ),
    (
        "{severity: critical, limit: 2m, for: 5m}",
        "{severity: critical, limit: 2m, for: 5m, hold: 5m}",
        "14: kpis.0.alerts.1.hold: unknown key; there are severity, limit, for",
    ),
    (
        "panel: {row:",
        "panel: {width: 3, row:",
        "24: kpis.0.panel.width: unknown key; there are row, kind, together",
    ),
    (
        "expr: max by (job, instance, target, queue) (",
        "expr: max by (job, instance, target, queue) ((",
        "10: kpis.0.expr: is not PromQL: unclosed left parenthesis",
    ),
    (
        "guard: queue_length{",
        "guard: rate(queue_length) > 0 or x{",
        (
            "11: kpis.0.guard: is not PromQL: expected type matrix in call to "
            "function 'rate', got vector"
        ),
    ),
    (
        "value: 'v'",
        "value: 'w * 2'",
        (
            "26: kpis.0.inputs.0.value: 'w' is not arithmetic: only v, t, "
            "numbers and + - * / ** are allowed"
        ),
    ),
    (
        "value: 'v'",
        "value: '1 +'",
        (
            "26: kpis.0.inputs.0.value: '1 +' is not arithmetic: only v, t, "
            "numbers and + - * / ** are allowed"
        ),
    ),
    (
        "value: 'v'",
        "value: 'v / 0'",
        (
            "26: kpis.0.inputs.0.value: 'v / 0' is not arithmetic: only v, t, "
            "numbers and + - * / ** are allowed"
        ),
    ),
    (
        "value: 'v'",
        "value: 'v', rate: '1'",
        "26: kpis.0.inputs.0: give one of value, rate, quantile",
    ),
    (
        'queue="mail"}',
        'queue=~"mail"}',
        '26: kpis.0.inputs.0.series: queue has no value; write it as queue="…"',
    ),
    (
        "series: 'queue_age_seconds{",
        "series: 'queue_age_seconds + x{",
        (
            '26: kpis.0.inputs.0.series: \'queue_age_seconds + x{job="j", '
            'queue="mail"}\' is no series; write it as name{label="value"}'
        ),
    ),
    (
        "{v | duration}",
        "{value | duration}",
        (
            "21: kpis.0.evidence.expected.0: 'value' is not arithmetic: only "
            "v, t, numbers and + - * / ** are allowed"
        ),
    ),
    (
        "id: queue_age",
        "id: queueAge",
        "4: kpis.0.id: does not fit the pattern ^[a-z][a-z0-9_]*$",
    ),
    ("subject: shop", "subject: store", "1: subject: must be shop"),
    (
        "  better: lower\n",
        "  better: lower\n  better: higher\n",
        "9: kpis.0.better: given twice, first on line 8",
    ),
    ("  why: Somebody waits for it.\n", "", "4: kpis.0.why: is needed"),
]
"""What is put in place of what, and the problem that must be reported."""
