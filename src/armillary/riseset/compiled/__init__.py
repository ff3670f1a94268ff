"""The windows of stars in compiled loops (numba): the same answer as :mod:`armillary.riseset.filters`, sooner.

Imported only when stars are asked for, and only where numba is installed.
"""
