"""What a statement that is planned may hold: parts, functions and types of PostgreSQL.

Planning runs functions that are IMMUTABLE or STABLE when their arguments are constants,
so a function is here only if that does nothing and costs little: none that reads files,
sets anything, writes long texts (repeat, lpad) or runs SQL.
"""

from __future__ import annotations


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


NODES = _words(
    """
    Add Alias All And Any ArrayContainedBy ArrayContainsAll ArrayOverlaps AtTimeZone
    Between BitwiseAnd BitwiseNot BitwiseOr BitwiseXor Boolean Bracket CTE Case Collate
    Column ColumnDef Cube DPipe DataType DataTypeParam Distinct Div Dot EQ Escape Except
    Fetch Filter From GT GTE Group GroupingSets Having ILike Identifier In Intersect
    Interval Is Join JSON JSONBContains JSONPath JSONPathKey JSONPathRoot
    JSONPathSubscript LT LTE Lateral Like Limit LimitOptions Literal Mod Mul NEQ Neg Not
    Null NullSafeEQ NullSafeNEQ Offset Or Order Ordered Parameter Paren RawString
    RegexpILike RegexpLike Rollup Select SimilarTo Slice Star Sub Subquery Table
    TableAlias Tuple Union Values Var Where Window WindowSpec With WithinGroup
    """
)
"""Parts of a tree by sqlglot's names; functions are judged by their own names."""

SYNTAX = _words(
    """
    all and any array as between by case cast coalesce cross cube distinct else except
    exists extract filter from full group grouping greatest having ilike in inner
    intersect is join lateral least left like limit materialized natural not nullif
    offset on only or order outer over overlay partition position right rollup row
    select sets similar some substring then time timestamp to trim union using values
    when where with within
    bit char character decimal dec float interval numeric varchar varying
    """
)
"""Words of the grammar before a parenthesis; none of them names a function to find."""

FUNCTIONS = _words(
    """
    abs age array_agg array_length array_position array_to_string avg bit_and bit_or
    bool_and bool_or btrim cardinality ceil ceiling char_length concat concat_ws corr
    count cume_dist current_date date date_bin date_part date_trunc dense_rank div every
    first_value floor generate_series initcap json_agg json_array_length
    json_build_array json_build_object json_object_agg jsonb_agg jsonb_array_elements
    jsonb_array_elements_text jsonb_array_length jsonb_build_array jsonb_build_object
    jsonb_each jsonb_each_text jsonb_object_agg jsonb_object_keys jsonb_typeof
    json_typeof lag last_value lead length lower ltrim make_date make_interval
    make_time make_timestamp make_timestamptz max md5 min mod mode now nth_value ntile
    octet_length percent_rank percentile_cont percentile_disc plainto_tsquery rank
    reverse right left round row_number row_to_json rtrim sign split_part sqrt
    starts_with stddev stddev_pop stddev_samp string_agg string_to_array strpos substr
    sum to_char to_date to_json to_jsonb to_number to_timestamp to_tsquery to_tsvector
    transaction_timestamp statement_timestamp translate trunc ts_rank unnest upper
    var_pop var_samp variance websearch_to_tsquery width_bucket
    """
)
"""Functions of pg_catalog; the server says whether one of its own has such a name."""

TYPES = _words(
    """
    array bigint bigserial bit boolean bpchar bytea char cidr date datemultirange
    daterange decimal double float inet int int128 int4multirange int4range int8range
    interval json jsonb macaddr money name nchar numeric numrange nvarchar object real
    smallint text time timetz timestamp timestamptz timestamp_ntz tsrange tstzrange
    tsvector tsquery unknown uuid varbinary varbit varchar varying binary timestampltz
    """
)
"""Types of PostgreSQL by sqlglot's names."""
