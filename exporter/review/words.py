"""A review for people: findings with their places, the plan, what would help."""

from __future__ import annotations

from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from exporter.review.shape import Answer


def write(answer: Answer, name: str, out: TextIO) -> None:
    """Write a review; places read `FILE:LINE:COLUMN`, as editors know them."""
    for statement in answer["statements"]:
        _statement(statement, name, out)
    planned = sum("cost" in (one["plan"] or {}) for one in answer["statements"])
    count = answer["findings"]
    out.write(
        f"{count} finding{'' if count == 1 else 's'} in {len(answer['statements'])} "
        f"statement{'' if len(answer['statements']) == 1 else 's'}, {planned} planned, "
        "none executed\n"
    )


def _statement(statement: Answer, name: str, out: TextIO) -> None:
    text = statement["text"] or f"{name}:{statement['line']}:{statement['column']}"
    out.write(f"{statement['kind']}: {text}\n")
    if refused := statement.get("refused"):
        out.write(f"  not reviewed: {refused}\n")
    for one in statement["findings"]:
        place = f"{name}:{one['line']}:{one['column']}: " if one["line"] else ""
        out.write(f"  {place}{one['severity']}: {one['rule']}\n")
        out.write(f"      why: {one['why']}\n      do: {one['fix']}\n")
    for one in statement["rewrites"]:
        out.write(f"  written anew ({one['rule']}), the same {one['when']}:\n")
        out.write(f"      {one['text']}\n")
        if one.get("plan"):
            out.write(f"      {_cost(one['plan'])}\n")
    if plan := statement["plan"]:
        _plan(plan, out)


def _cost(plan: Answer) -> str:
    if "refused" in plan:
        return f"not planned: {plan['refused']}"
    return f"cost {plan['cost']:,.2f}, {plan['sequential_scans']} sequential scans"


def _plan(plan: Answer, out: TextIO) -> None:
    if "refused" in plan:
        out.write(f"  not planned: {plan['refused']}\n")
        return
    out.write("  plan, not executed:\n")
    for node in plan["nodes"]:
        cost = f" ({node['cost']:,.2f})" if node["cost"] is not None else ""
        out.write(f"      {'  ' * node['depth']}{node['name']}{cost}\n")
    for one in plan["indexes"]:
        out.write(f"  index ({one['proof']}): {one['statement']}\n")
        if "cost_after" in one:
            before, after = one["cost_before"], one["cost_after"]
            out.write(f"      cost {before:,.2f}, then {after:,.2f}\n")
        out.write(f"      why: {one['why']}\n")
