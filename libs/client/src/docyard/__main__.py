"""`docyard` and `python -m docyard`."""

from docyard.cli.app import app


def main() -> None:
    """Run the command line; ends the process with one of the documented exit codes."""
    app(prog_name="docyard")


if __name__ == "__main__":
    main()
