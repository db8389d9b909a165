"""The ledger's room: what is asked, where, what it amounts to, and when it is looked at again."""

from console.operations.ledger.operations import LedgerOperations

__all__ = ["LedgerOperations"]
