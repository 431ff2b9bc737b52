"""Runbooks as pages: our Markdown and nothing else, all of it escaped."""

from __future__ import annotations

from html import escape

import pytest

from exporter.render.needs import rule_list
from exporter.render.pages import index, named, page
from exporter.web.runbook_page import render
from tests.plans import NAMES, plan


def body(markdown: str) -> str:
    return render(markdown).split("<main>\n")[1].split("</main>")[0]


@pytest.mark.parametrize(
    ("markdown", "html"),
    [
        ("# One\n\n## Two\n", "<h1>One</h1>\n<h2>Two</h2>\n"),
        ("a\nb\n\nc", "<p>a\nb</p>\n<p>c</p>\n"),
        (
            "- **a**: `b`\n- c\n",
            "<li><strong>a</strong>: <code>b</code></li>\n<li>c</li>\n",
        ),
        ("[CPU](runbooks/cpu_used)", '<p><a href="runbooks/cpu_used">CPU</a></p>\n'),
        ("[x](javascript:alert)", "<p>[x](javascript:alert)</p>\n"),
        (
            "```promql\na > 1\n\n- b\n```\n",
            "<pre><code>a &gt; 1\n\n- b\n</code></pre>\n",
        ),
        ("<!-- made -->\n<b>&", "<p>&lt;b&gt;&amp;</p>\n"),
    ],
)
def test_markdown_becomes_html(markdown: str, html: str) -> None:
    assert body(markdown) == html


@pytest.mark.parametrize("name", NAMES)
def test_every_runbook_is_a_page_without_marks_left(name: str) -> None:
    for text in (index(plan(name)), *named(plan(name)).values()):
        made = render(text)
        title = text.split("# ")[1].split("\n")[0]

        assert f"<title>{escape(title)}</title>" in made
        assert "**" not in made
        assert "```" not in made
        assert "<!--" not in made


def test_one_runbook_is_that_of_all_by_its_name() -> None:
    made = plan("overrides")

    assert {name: page(made, name) for name in named(made)} == named(made)
    assert page(made, "") == index(made)
    assert page(made, "../secret") is None


def test_every_runbook_that_an_alert_links_is_there() -> None:
    made = plan(NAMES[0])
    linked = {
        rule["annotations"]["runbook_url"].removeprefix(f"{made.links.runbooks}/")
        for rule in rule_list(made)
        if "runbook_url" in rule.get("annotations", {})
    }

    assert linked <= named(made).keys()
    assert len(linked) > 50
