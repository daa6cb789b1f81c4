"""Sends documents to the worker, one a line of input: `key filename size sha256`."""

import sys

from bench.celery_worker import TASKS
from celery import chain


def send() -> None:
    for line in sys.stdin:
        key, filename, size, sha256 = line.split()
        document = {"id": key, "key": key, "filename": filename, "size": int(size)}
        first, *rest = TASKS
        chain(first.s(document | {"sha256": sha256}), *(task.s() for task in rest)).delay()
