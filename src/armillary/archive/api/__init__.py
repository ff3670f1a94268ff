"""The archive's HTTP interface."""
