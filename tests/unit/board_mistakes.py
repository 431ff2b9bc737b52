"""Mistakes in a dashboard, and what the rule that is for them says of each."""

from exporter.render.grafana import query

SERIES = 'x:y:z{job=~"$job", instance=~"$instance"}'
VARIABLE = "templating.list"
PANEL = "panels.1"
MISTAKES = [
    (
        "template_datasource",
        f"{VARIABLE}.0.name",
        "source",
        [
            "no variable chooses the data source",
            "the variable source is labelled 'Data source'",
        ],
    ),
    (
        "template_datasource",
        f"{VARIABLE}.0.label",
        "From",
        ["the variable datasource is labelled 'From'"],
    ),
    ("template_job", f"{VARIABLE}.1.name", "jobs", ["no variable chooses the job"]),
    ("template_job", f"{VARIABLE}.1.multi", False, ["only one job can be chosen"]),
    ("template_job", f"{VARIABLE}.1.label", "Kind", ["job is labelled 'Kind'"]),
    (
        "template_instance",
        f"{VARIABLE}.2.allValue",
        ".*",
        ["all of instance is '.*'"],
    ),
    (
        "template_instance",
        f"{VARIABLE}.2.datasource.uid",
        "abc",
        ["instance comes from 'abc'"],
    ),
    (
        "template_label_promql",
        f"{VARIABLE}.1.query",
        "label_values(x{, job)",
        ["job asks 'label_values(x{, job)'"],
    ),
    (
        "template_label_promql",
        f"{VARIABLE}.1.query",
        "values(x)",
        ["job asks 'values(x)'"],
    ),
    (
        "template_on_time_change_reload",
        f"{VARIABLE}.1.refresh",
        1,
        ["job is not asked again when the time changes"],
    ),
    ("panel_datasource", f"{PANEL}.datasource", {}, ["One reads from None"]),
    (
        "panel_datasource",
        f"{PANEL}.targets.0.datasource.uid",
        "abc",
        ["One reads from 'abc'"],
    ),
    ("panel_title_description", f"{PANEL}.title", "", ["panel 2 has no title"]),
    (
        "panel_title_description",
        f"{PANEL}.description",
        "",
        ["panel 2 has no description"],
    ),
    ("panel_units", f"{PANEL}.fieldConfig.defaults.unit", "sec", ["One is in 'sec'"]),
    ("panel_no_targets", f"{PANEL}.targets", [], ["One asks nothing"]),
    (
        "target_logql",
        f"{PANEL}.targets.0.expr",
        '{job="x"} |= "error"',
        ["One asks for logs"],
    ),
    (
        "target_logql_auto",
        f"{PANEL}.targets.0.expr",
        "rate(x[$__auto])",
        ["One has a range for logs"],
    ),
    (
        "target_promql",
        f"{PANEL}.targets.0.expr",
        "sum(x",
        ["One: unclosed left parenthesis"],
    ),
    (
        "target_rate_interval",
        f"{PANEL}.targets.0.expr",
        "sum(rate(x_total[5m]))",
        ["One takes a rate over 5m"],
    ),
    (
        "target_job",
        f"{PANEL}.targets.0.expr",
        'x{instance=~"$instance"} or x{job="$job"}',
        ["One: x is not selected by job"] * 2,
    ),
    (
        "target_instance",
        f"{PANEL}.targets.0.expr",
        'x{job=~"$job"}',
        ["One: x is not selected by instance"],
    ),
    (
        "target_counter_agg",
        f"{PANEL}.targets.0.expr",
        "sum(x_total)",
        ["One takes the counter x_total as it is"],
    ),
    (
        "uneditable_dashboard",
        "editable",
        True,
        ["can be edited, and the edits would be lost"],
    ),
    ("overlap", f"{PANEL}.gridPos.w", 13, ["One lies over Two"]),
    ("overlap", f"{PANEL}.gridPos.y", 0, ["Is it well? lies over One"]),
    ("size", "panels.2.gridPos.x", 16, ["Two goes beyond the page"]),
    ("size", f"{PANEL}.gridPos.h", 3, ["One is 3 high"]),
    ("size", f"{PANEL}.gridPos.w", 5, ["One is 5 wide"]),
    ("gaps", f"{PANEL}.gridPos.w", 11, ["the line of One is not full"]),
    (
        "gaps",
        f"{PANEL}.gridPos.h",
        9,
        ["One does not begin below the line above"],
    ),
    ("questions", "panels.0.title", "Latency", ["Latency is no question"]),
    (
        "questions",
        "panels.1.type",
        "row",
        ["One is no question", "Is it well? has 0 answers"],
    ),
    ("names", f"{PANEL}.id", 1, ["two panels have one id"]),
    ("names", f"{PANEL}.title", "Two", ["two panels are Two"]),
    ("names", "uid", "KPI X", ["the uid is 'KPI X'"]),
    (
        "references",
        f"{PANEL}.targets",
        [query(SERIES), query(SERIES)],
        ["One has two queries of one letter"],
    ),
]
"""A rule, where something is put, what, and the problems that must be reported."""
