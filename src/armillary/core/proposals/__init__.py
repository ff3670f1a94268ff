"""Time as money: what proposals may use, an append-only ledger of it, and intra-proposal priority. Pure."""
