"""Which statements of a person may run: an allow-list over what the engine makes of them.

The engine reads the text, writes it down again without comments and in one spelling, and draws
its syntax tree. Here every node of that tree, every function and every table has to be known;
what is not known is refused. Reading the text ourselves would be a second parser to outwit.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from collector.store.client import StoreError

TABLES = (
    *("otel_traces", "operations", "relations", "messages", "ids", "edges"),
    *("progress", "progress_newest", "members", "producers", "positions", "gaps", "findings"),
)
"""Ours that may be read."""

TABLE_FUNCTIONS = frozenset(
    {"numbers", "numbers_mt", "zeros", "zeros_mt", "values", "generateseries", "generate_series"}
)
"""Those that make rows out of nothing, in lower case."""

CATEGORIES = frozenset(
    {
        *("Aggregate Functions", "Arithmetic", "Arrays", "Bit", "Bitmap", "Comparison"),
        *("Conditional", "Dates and Times", "Distance", "Encoding", "Hash", "IP Address", "JSON"),
        *("Logical", "Map", "Mathematical", "Null", "Random Number", "Rounding", "String"),
        *("String Replacement", "String Search", "String Splitting", "Time Window", "Tuple"),
        *("Type Conversion", "URL", "UUID"),
    }
)
"""Of functions, as the engine sorts them: these only compute."""

BESIDES = frozenset(
    {
        *("lambda", "exists", "grouping", "caseWithExpression", "caseWithExpr", "columns"),
        *("bar", "byteSize", "currentDatabase", "finalizeAggregation", "formatReadableDecimalSize"),
        *("formatReadableQuantity", "formatReadableSize", "formatReadableTimeDelta", "identity"),
        *("ignore", "isConstant", "materialize", "parseReadableSize", "rowNumberInAllBlocks"),
        *("runningDifference", "toColumnTypeName", "toTypeName", "transform", "variantType"),
    }
)
"""Functions of no such category that only compute, too."""

NOT_THESE = frozenset({"formatRow", "formatRowNoNewline", "aggThrow", "flameGraph"})
"""Functions of those categories that can reach files, or are meant for tests of the engine."""

NODES = frozenset(
    {
        *("SelectWithUnionQuery", "SelectIntersectExceptQuery", "SelectQuery", "ExpressionList"),
        *("Function", "Identifier", "TableIdentifier", "Literal", "Asterisk", "QualifiedAsterisk"),
        *("TablesInSelectQuery", "TablesInSelectQueryElement", "TableExpression", "TableJoin"),
        *("ArrayJoin", "Subquery", "WithElement", "OrderByElement", "InterpolateElement"),
        *("StorageOrderByElement", "WindowDefinition", "WindowListElement", "SampleRatio"),
        *("ColumnsRegexpMatcher", "ColumnsListMatcher", "QualifiedColumnsRegexpMatcher"),
        *("QualifiedColumnsListMatcher", "ColumnsTransformerList", "ColumnsExceptTransformer"),
        *("DataType", "NameTypePair"),
    }
)
"""Of a syntax tree. `Set` is a SETTINGS clause; other transformers hide a function's name."""

TREE_NODES = 5_000
"""Lines of a syntax tree; a longer one is refused."""

_NODE = re.compile(r" *(\w+)(?: (.*))?")
_EXPLAIN = re.compile(
    r"EXPLAIN (?:(?:SYNTAX|QUERY TREE|PLAN|PIPELINE|ESTIMATE) )?"
    r"(?:[a-z_]+ = \d+(?:, [a-z_]+ = \d+)* )?(?=SELECT|WITH|\()"
)
_OF_TABLE = re.compile(r"(DESCRIBE TABLE|SHOW CREATE TABLE) (?:(\w+)\.)?(\w+)")
_READ = re.compile(r"\btable_name: ([^,\n]+)")
_MADE = re.compile(r"\btable_function_name: ([^,\n]+)")
_CALLED = re.compile(r"\bfunction_name: ([^,\n]+), function_type:")
_NAME = re.compile(r"(?:(\w+)\.)?(\w+)")
_RECURSIVE = "_temporary_and_external_tables._tmp_"
"""Begins the engine's name for what WITH RECURSIVE has so far."""


class Refused(StoreError):
    """A statement that may not run, or cannot; the message says why."""

    passing = False


@dataclass(frozen=True, slots=True)
class Known:
    """What the engine has, names of functions in lower case."""

    database: str
    functions: frozenset[str]
    """That only compute."""
    words: frozenset[str]
    """Names of other functions, where no column of ours has them: some take the mere name."""
    aggregates: frozenset[str]
    combinators: tuple[str, ...]
    """What an aggregate function's name can end in, in lower case."""
    others: frozenset[str]
    """Tables beside ours in the store's database."""
    databases: frozenset[str]
    """Other databases, in lower case."""

    def computes(self, function: str) -> bool:
        """Whether a function only computes."""
        name = function.casefold()
        return name in self.functions or self._aggregates(name)

    def _aggregates(self, name: str) -> bool:
        if name in self.aggregates:
            return True
        shorter = (name.removesuffix(end) for end in self.combinators if name.endswith(end))
        return any(map(self._aggregates, shorter))


@dataclass(frozen=True, slots=True)
class Statement:
    """What is to run, and the SELECT in it; without one there is nothing more to check."""

    sql: str
    select: str = ""
    explains: bool = False


def statement(canonical: str, known: Known) -> Statement:
    """What a statement in the engine's spelling is to us. Raises Refused."""
    if canonical == "SHOW TABLES":
        names = ", ".join(f"'{name}'" for name in TABLES)
        return Statement(
            "SELECT name, total_rows AS rows, total_bytes AS bytes FROM system.tables "
            f"WHERE database = currentDatabase() AND name IN ({names}) ORDER BY name"
        )
    if found := _OF_TABLE.fullmatch(canonical):
        what, database, table = found.groups()
        if table not in TABLES or database not in (None, known.database):
            raise Refused(f"{table} is none of the tables: SHOW TABLES lists them")
        return Statement(f"{what} {table}")
    explained = _EXPLAIN.match(canonical)
    select = canonical[explained.end() :] if explained else canonical
    if not select.startswith(("SELECT ", "WITH ", "(")):
        raise Refused(
            "only SELECT, WITH, EXPLAIN of these, DESCRIBE, SHOW CREATE TABLE and SHOW TABLES "
            "may be asked"
        )
    return Statement(canonical, select, explained is not None)


def check_syntax(tree: Iterable[str], known: Known) -> None:
    """Checks a syntax tree, as lines, before anything is looked up. Raises Refused."""
    for count, line in enumerate(tree):
        if count >= TREE_NODES:
            raise Refused("the statement is too large")
        found = _NODE.fullmatch(line)
        kind, rest = found.groups() if found else ("", "")
        if kind == "Set":
            raise Refused("SETTINGS cannot be given: the limits stay")
        if kind not in NODES:
            raise Refused(f"{kind or 'this'} is not allowed here")
        name = (rest or "").split(" ", 1)[0]
        if kind == "Function":
            _check_function(name, known)
        elif kind == "TableIdentifier":
            _check_table(name, known)
        elif kind == "Identifier":
            _check_identifier(name, known)


def check_tree(tree: Iterable[str], known: Known) -> None:
    """Checks what the engine has looked up: no table but ours, under whatever name. Raises
    Refused."""
    text = "\n".join(tree)
    # The engine reads from `system.one` where a SELECT names no table.
    own = {"system.one", *(f"{known.database}.{table}" for table in TABLES)}
    for name in map(str.strip, _READ.findall(text)):
        if name not in own and not name.startswith(_RECURSIVE):
            raise Refused(f"{name} is none of the tables: SHOW TABLES lists them")
    for name in _MADE.findall(text):
        if name.casefold() not in TABLE_FUNCTIONS:
            raise Refused(f"the table function {name} is not allowed")
    for name in _CALLED.findall(text):
        # The engine's own helpers have names that no statement gets past the syntax with.
        if not name.startswith("_") and not known.computes(name):
            raise Refused(f"the function {name} is not allowed")


def _check_function(name: str, known: Known) -> None:
    # One and the same tree node stands for functions of values and of tables.
    if name.casefold() not in TABLE_FUNCTIONS and not known.computes(name):
        raise Refused(f"the function {name} is not allowed")


def _check_table(name: str, known: Known) -> None:
    found = _NAME.fullmatch(name)
    database, table = found.groups() if found else ("", "")
    if table not in TABLES and (not found or database or table in known.others):
        raise Refused(f"{name} is none of the tables: SHOW TABLES lists them")
    if database not in (None, known.database):
        raise Refused(f"{name} is in another database: SHOW TABLES lists what can be asked")


def _check_identifier(name: str, known: Known) -> None:
    # It may be a table, after IN, or a function that another one is to call.
    first = name.split(".", 1)[0].casefold()
    if first in known.databases:
        raise Refused(f"{name} is in another database: SHOW TABLES lists what can be asked")
    if name.casefold() in known.words:
        raise Refused(f"the function {name} is not allowed")
