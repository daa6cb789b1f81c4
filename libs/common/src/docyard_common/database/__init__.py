"""PostgreSQL: one pool a service, one schema a service, migrations, and locks by document."""

from docyard_common.database.locks import (
    alone,
    lock_child,
    lock_content,
    lock_document,
    lock_documents,
)
from docyard_common.database.migrations import migrate
from docyard_common.database.pool import Database, Transaction

__all__ = [
    "Database",
    "Transaction",
    "alone",
    "lock_child",
    "lock_content",
    "lock_document",
    "lock_documents",
    "migrate",
]
