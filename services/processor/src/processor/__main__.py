"""`python -m processor`: reads the settings and works until SIGTERM."""

from docyard_common.http.server import serve
from docyard_common.observability import logging, tracing
from processor.app import build
from processor.settings import ProcessorSettings


def main() -> None:
    settings = ProcessorSettings()
    logging.configure("processor", settings.log)
    tracing.configure("processor", settings.tracing)
    serve(build(settings), settings.http)


if __name__ == "__main__":
    main()
