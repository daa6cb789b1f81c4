"""`python -m notifier`: reads the environment and serves until SIGTERM."""

from docyard_common.http import serve
from docyard_common.observability import logging, tracing
from notifier.app import build
from notifier.settings import SERVICE, NotifierSettings


def main() -> None:
    """Exit 0 after a graceful end, 1 when the start fails or a background task dies."""
    settings = NotifierSettings()
    logging.configure(SERVICE, settings.log)
    tracing.configure(SERVICE, settings.tracing)
    serve(build(settings), settings.http)


if __name__ == "__main__":
    main()
