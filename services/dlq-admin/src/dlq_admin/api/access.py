"""Who may do what: users see the entries of their own documents, operators act, admins edit."""

from typing import Annotated, Any

import structlog
from fastapi import Depends

from dlq_admin.tables.audit import Deed
from docyard_common.auth import Principal
from docyard_common.http import principal, require_role

Caller = Annotated[Principal, Depends(principal)]
Operator = Annotated[Principal, Depends(require_role("operator"))]
Admin = Annotated[Principal, Depends(require_role("admin"))]


def visible_owner(caller: Principal) -> str | None:
    """Return whose entries *caller* may see; None for everybody's."""
    # PostgreSQL knows no NUL in texts; no owner has one either.
    return None if caller.has("operator") else caller.subject.replace("\0", "")


def request_id() -> str | None:
    """Return the id that the edge has given to the current request."""
    bound = structlog.contextvars.get_contextvars().get("request_id")
    return None if bound is None else str(bound)


def deed(caller: Principal, operation: str, *, reason: str | None = None, **selector: Any) -> Deed:
    """Return the line for the audit log."""
    return Deed(
        actor=caller.subject.replace("\0", ""),
        operation=operation,
        selector=selector,
        request_id=request_id(),
        reason=reason,
    )
