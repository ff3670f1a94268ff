"""Moving an observation portal of the OCS into this one, from its ``dumpdata``."""
