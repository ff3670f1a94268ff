"""VOTable documents (version 1.4), written as they are sent."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from xml.sax.saxutils import escape, quoteattr

CONTENT_TYPE: Final = "application/x-votable+xml"
_HEAD: Final = (
    '<?xml version="1.0" encoding="UTF-8"?>\n<VOTABLE version="1.4" xmlns="http://www.ivoa.net/xml/VOTable/v1.3">\n'
)
_TAIL: Final = "</VOTABLE>\n"


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table."""

    name: str
    datatype: str
    """``char`` (text of any length), ``int``, ``long`` or ``double``."""
    ucd: str = ""
    unit: str = ""
    utype: str = ""
    xtype: str = ""

    def field(self) -> str:
        """As the table declares it."""
        attributes = {"name": self.name, "ID": self.name, "datatype": self.datatype}
        attributes |= {"arraysize": "*"} if self.datatype == "char" else {}
        attributes |= {key: value for key in ("ucd", "unit", "utype", "xtype") if (value := getattr(self, key))}
        null = '<VALUES null="-9999"/>' if self.datatype in {"int", "long"} else ""
        return f"<FIELD {_attributes(attributes)}>{null}</FIELD>\n"

    def cell(self, value: Any) -> str:
        """A value of it; what is unknown is null."""
        if value is None:
            return {"char": "<TD/>", "double": "<TD>NaN</TD>"}.get(self.datatype, "<TD>-9999</TD>")
        return f"<TD>{escape(str(value))}</TD>"


def table(
    columns: Sequence[Column],
    rows: Iterable[Mapping[str, Any]],
    *,
    status: str,
    info: Mapping[str, str],
    meta: str = "",
) -> Iterator[str]:
    """A document with one table of results.

    Args:
        columns: What it has.
        rows: A value for each column by its name; what is missing is null.
        status: ``OK``, or ``OVERFLOW`` if there is more than is shown.
        info: Further facts about the answer.
        meta: A further resource, after the results.
    """
    yield f'{_HEAD}<RESOURCE type="results">\n<INFO name="QUERY_STATUS" value={quoteattr(status)}/>\n'
    yield from (f"<INFO name={quoteattr(name)} value={quoteattr(value)}/>\n" for name, value in info.items())
    yield "<TABLE>\n"
    yield from (column.field() for column in columns)
    yield "<DATA><TABLEDATA>\n"
    for row in rows:
        yield f"<TR>{''.join(column.cell(row.get(column.name)) for column in columns)}</TR>\n"
    yield f"</TABLEDATA></DATA>\n</TABLE>\n</RESOURCE>\n{meta}{_TAIL}"


def error(message: str) -> str:
    """A document that says what was wrong with the question."""
    info = f'<INFO name="QUERY_STATUS" value="ERROR">{escape(message)}</INFO>'
    return f'{_HEAD}<RESOURCE type="results">\n{info}\n</RESOURCE>\n{_TAIL}'


def datalink_service(address: str) -> str:
    """A resource that tells clients where to ask for everything that belongs to a row (DataLink)."""
    return (
        '<RESOURCE type="meta" utype="adhoc:service">\n'
        '<PARAM name="standardID" datatype="char" arraysize="*" value="ivo://ivoa.net/std/DataLink#links-1.1"/>\n'
        f'<PARAM name="accessURL" datatype="char" arraysize="*" value={quoteattr(address)}/>\n'
        '<GROUP name="inputParams"><PARAM name="ID" datatype="char" arraysize="*" value="" ref="obs_publisher_did"/>'
        "</GROUP>\n</RESOURCE>\n"
    )


def _attributes(attributes: Mapping[str, str]) -> str:
    return " ".join(f"{name}={quoteattr(value)}" for name, value in attributes.items())
