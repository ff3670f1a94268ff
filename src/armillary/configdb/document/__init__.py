"""One file describes an observatory: reading it, and saying everything that is wrong with it, with line numbers.

Two forms are understood: what ``GET /sites/`` answers (JSON), and a form that is made to be written by hand
(:mod:`armillary.configdb.document.plain`, YAML), in which what is usual may be left out; it can be written, too.
"""

from armillary.configdb.document.reading import ObservatoryDocument, decode, read
from armillary.configdb.document.source import DocumentError, Problem
from armillary.configdb.document.writing import as_plain_form

__all__ = ["DocumentError", "ObservatoryDocument", "Problem", "as_plain_form", "decode", "read"]
