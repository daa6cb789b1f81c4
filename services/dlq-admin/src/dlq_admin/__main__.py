"""`python -m dlq_admin`: reads the settings and serves."""

from dlq_admin.app import SERVICE, build
from dlq_admin.settings import DlqAdminSettings
from docyard_common.http import serve
from docyard_common.observability import logging, tracing


def main() -> None:
    """Serve until told to stop."""
    settings = DlqAdminSettings()
    logging.configure(SERVICE, settings.log)
    tracing.configure(SERVICE, settings.tracing)
    serve(build(settings), settings.http)


if __name__ == "__main__":
    main()
