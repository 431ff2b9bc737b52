"""Statement review at real PostgreSQL servers: what would do harm is not executed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from exporter.review.shape import MOST_PLANNED, ReviewError
from tests.integration.reviewed_postgres import all_reviewed, owner_again, reviewed

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tests.integration.postgres_fixtures import Owner
    from tests.integration.reviewed_postgres import World

HARMFUL = (
    "select nextval('numbers')",
    "select setval('numbers', 99)",
    "select pg_terminate_backend({pid})",
    "select pg_cancel_backend({pid})",
    "select set_config('work_mem', '64kB', false)",
    "select lo_import('/etc/hostname')",
    "select lo_create(4711)",
    "select pg_advisory_lock(4711)",
    "select pg_sleep(3)",
    "select pg_read_file('postgresql.conf')",
    "select * from pg_ls_dir('.')",
    "select query_to_xml('update canary set runs = 1', true, true, '')",
    "select sneaky()",
    "select public.lower(1)",
    "select lower(1)",
    "select 1 where 1 && 2",
    "select 1 where 'a'::odd = 'b'",
    "select id from spying",
    "select id from users for update",
    "select id into stolen from users",
    "with gone as (delete from canary returning *) select * from gone",
    "with more as (insert into canary values (1) returning *) select * from more",
    "with more as (update canary set runs = 1 returning *) select * from more",
    "insert into canary values (1)",
    "update canary set runs = 1",
    "delete from canary",
    "copy canary to program 'touch /tmp/stolen'",
    "do $$ begin update canary set runs = 1; end $$",
    "create table stolen (id int)",
    "drop table canary",
    "truncate canary",
    "vacuum canary",
    "explain analyze update canary set runs = 1",
    "call doing()",
    "execute prepared",
    "set work_mem = '64kB'",
    "select 'a\\', nextval('numbers')",
    "select e'a\\'' , nextval('numbers')",
    "select 1\x0bfrom\x0bcanary\x0bfor\x0bupdate",
    "commit",
)
UNREADABLE = (
    "select 'a\\'' , nextval('numbers') --'",
    "analyze select 1",
    "(format json, analyze) update canary set runs = 1",
    "select 'a\\'; update canary set runs = 1; --",
    "select 1 /* ; update canary set runs = 1",
)
TRAPS = """
create function trap(text) returns int language plpgsql immutable as
    $$ begin raise log 'sprung by %', $1; return 1; end $$;
create function sneaky() returns int immutable language plpgsql as
    $$ begin return trap('a function'); end $$;
create function public.lower(int) returns int immutable language plpgsql as
    $$ begin return trap('an overloaded function'); end $$;
create function same(int, int) returns bool immutable language plpgsql as
    $$ begin return trap('an operator') > 0; end $$;
create operator && (leftarg = int, rightarg = int, function = same);
create function flip(bool) returns bigint immutable language plpgsql as
    $$ begin return trap('a cast'); end $$;
create cast (bool as bigint) with function flip(bool);
create function inlined(users) returns int immutable language sql as
    $$ select trap('a function that looks like a column') $$;
create view spying as select id from users where sneaky() > 0;
create domain odd as text check (public.lower(1) > 0);
create procedure doing() language sql as 'update canary set runs = 1';
"""


async def test_nothing_hostile_is_executed_by_any_version(
    each_reviewed_world: World,
) -> None:
    assert await _survives(each_reviewed_world, [*chunked(HARMFUL)]) == len(HARMFUL)


async def test_nothing_hostile_is_executed_when_it_comes_alone(
    reviewed_world: World,
) -> None:
    await _survives(reviewed_world, [[text] for text in (*HARMFUL[::6], *UNREADABLE)])


def chunked(texts: Sequence[str]) -> Iterator[Sequence[str]]:
    """Give as many texts at a time as are planned of one."""
    for start in range(0, len(texts), MOST_PLANNED):
        yield texts[start : start + MOST_PLANNED]


async def _survives(made: World, texts: Sequence[Sequence[str]]) -> int:
    """Review what would do harm, and see that it is refused and nothing was done.

    Returns how many statements were reviewed.
    """
    dsn, session, count = made.dsn, made.session, 0
    session.execute(TRAPS.encode())
    with owner_again(dsn) as canary:
        pid = str(canary.info.backend_pid)
        session.execute("select pg_stat_statements_reset()")
        for several in texts:
            text = "\n;\n".join(several).replace("{pid}", pid)
            plans = await planned(dsn, text)
            assert all("refused" in plan for plan in plans), text
            count += len(plans)
        assert canary.execute("select 1").fetchone() == (1,)
    assert made.sprung() == 0
    _unharmed(session)
    return count


def _unharmed(session: Owner) -> None:
    """See that nothing was changed, and that the server ran none of it."""
    (numbers,) = session.execute("select last_value, is_called from numbers")
    assert numbers == (1, False)
    assert session.execute("select runs from canary").fetchall() == [(0,)]
    assert session.execute("select to_regclass('stolen')").fetchone() == (None,)
    assert session.execute(
        "select count(*) from pg_largeobject_metadata"
    ).fetchone() == (0,)
    held = "select count(*) from pg_locks where locktype = 'advisory'"
    assert session.execute(held).fetchone() == (0,)
    ran = session.execute(
        "select query from public.pg_stat_statements s join pg_database d "
        "on d.oid = s.dbid where d.datname = 'reviewed' and query ~* "
        "'canary|numbers|sneaky|pg_sleep|lo_|pg_ls_dir|pg_read_file|set_config' "
        "and query !~* 'explain|last_value|runs from|pg_catalog|deallocate|prepare'"
    ).fetchall()
    assert ran == []


async def planned(dsn: str, text: str) -> list[dict[str, Any]]:
    """Return the plan of each statement; none when the text is refused."""
    try:
        return [one["plan"] for one in await all_reviewed(dsn, text)]
    except ReviewError:
        return []


SPRINGING = (
    "select sneaky()",
    "select lower(1)",
    "select id from users where 1 && 2",
    "select id from users where id = true::bigint",
    "select id from spying",
    "select u.inlined from users u",
    "select id from spying where exists (with spying as (select 1) select 1)",
)


@pytest.mark.parametrize("text", SPRINGING)
async def test_a_trap_is_sprung_by_planning_but_not_by_a_review(
    reviewed_world: World, text: str
) -> None:
    reviewed_world.session.execute(TRAPS.encode())
    found = await reviewed(reviewed_world.dsn, text)
    assert "refused" in found["plan"]
    assert reviewed_world.sprung() == 0
    reviewed_world.session.execute(f"explain {text}".encode())
    assert reviewed_world.sprung() > 0
