"""Everything that changes the configuration; each function owns its transaction."""

from armillary.configdb.services.announcing import announce_change
from armillary.configdb.services.importing import ImportReport, import_observatory
from armillary.configdb.services.recording import NOBODY, Authorship
from armillary.configdb.services.reverting import revert
from armillary.configdb.services.writing import create, delete, update, users_of

__all__ = [
    "NOBODY",
    "Authorship",
    "ImportReport",
    "announce_change",
    "create",
    "delete",
    "import_observatory",
    "revert",
    "update",
    "users_of",
]
