"""Every metric that is declared is set somewhere: a dashboard shows no line that never moves."""

import ast
from collections.abc import Iterator
from pathlib import Path

import docyard_common.observability.metrics as declared

ROOT = Path(__file__).parents[3]
HERE = Path(declared.__file__)


def used(source: str) -> Iterator[str]:
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Attribute):
            yield node.attr


def test_every_declared_metric_is_used() -> None:
    names = {name for name in vars(declared) if name.isupper() and not name.startswith("_")}
    sources = [
        path
        for folder in ("libs", "services")
        for path in (ROOT / folder).glob("*/src/**/*.py")
        if path != HERE
    ]
    found = {name for path in sources for name in used(path.read_text())}

    assert names
    assert names - found == set()
