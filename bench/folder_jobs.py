"""Many small files by a folder job against a plain loop of puts with the same SDK.

    python -m bench.folder_jobs [--files 10000] [--rounds 3]

Rounds alternate. The loop opens, reads and puts one file after the other, as anybody would write
it; the job also lists the folder, keeps a row for every file and verifies each by its ETag. Ingest
and the store share the machine. DOCYARD_TEST_SERVERS names servers that run already.
"""

import argparse
import os
import statistics
import tempfile
import time
from functools import partial
from pathlib import Path

import httpx
from bench.ingest_process import SECRET, Ingest
from bench.servers import place
from minio import Minio
from minio.deleteobjects import DeleteObject

from docyard_common.auth import mint


def make_files(folder: Path, files: int) -> None:
    """Write small files, left alone for a minute, a hundred to a folder."""
    old = time.time() - 60
    for number in range(files):
        path = folder / f"{number // 100:03d}" / f"{number:05d}.txt"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(os.urandom(512).hex().encode())
        os.utime(path, (old, old))


def by_loop(client: Minio, bucket: str, folder: Path) -> float:
    """Put one file after the other; return the seconds."""
    client.make_bucket(bucket)
    started = time.perf_counter()
    for path in sorted(folder.rglob("*.txt")):
        client.fput_object(bucket, str(path.relative_to(folder)), str(path))
    return time.perf_counter() - started


def by_job(port: int, bucket: str, folder: Path) -> float:
    """Start a job and wait for its end; return the seconds."""
    url = f"http://127.0.0.1:{port}/api/v1/uploads/"
    headers = {"Authorization": f"Bearer {mint(SECRET, subject='bench', roles=['operator'])}"}
    body = {"source_folder": str(folder), "destination_bucket": bucket, "upload_id": bucket}
    started = time.perf_counter()
    httpx.post(url, json=body, headers=headers).raise_for_status()
    while (job := httpx.get(f"{url}{bucket}", headers=headers).json())["state"] in {
        "PENDING",
        "IN_PROGRESS",
    }:
        time.sleep(0.2)
    assert job["state"] == "COMPLETED", job
    return time.perf_counter() - started


def remove(client: Minio, bucket: str, *, expected: int) -> None:
    """Empty and remove the bucket, which must hold every file."""
    names = [
        DeleteObject(str(found.object_name))
        for found in client.list_objects(bucket, recursive=True)
    ]
    assert len(names) == expected
    assert not list(client.remove_objects(bucket, names))
    client.remove_bucket(bucket)


def report(files: int, seconds: dict[str, list[float]], peak_mib: float, cpu_s: float) -> None:
    rates = {way: [files / each for each in found] for way, found in seconds.items()}
    for way, found in rates.items():
        shown = " ".join(f"{rate:7.1f}" for rate in found)
        print(f"{way:6} median {statistics.median(found):7.1f} files/s   rounds {shown}")
    ratios = [job / loop for job, loop in zip(rates["job"], rates["loop"], strict=True)]
    print(
        f"job / loop {statistics.median(ratios):.2f}   from {min(ratios):.2f} to {max(ratios):.2f}"
    )
    print(f"ingest CPU {cpu_s * 1000:.2f} ms a file, peak memory {peak_mib:.0f} MiB")


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--files", type=int, default=10_000)
    arguments.add_argument("--rounds", type=int, default=3)
    options = arguments.parse_args()
    with tempfile.TemporaryDirectory() as name, place(Path(name) / "servers") as at:
        folder = Path(name) / "files"
        make_files(folder, options.files)
        client = at.sdk()
        roots = {"SYNC__ROOTS": name, "LIMITS__OPERATORS__REQUESTS_PER_MINUTE": "0"}
        ingest = Ingest(at.environment | roots, Path(name))
        ways = {
            "job": partial(by_job, ingest.port, folder=folder),
            "loop": partial(by_loop, client, folder=folder),
        }
        seconds: dict[str, list[float]] = {way: [] for way in ways}
        try:
            cpu_before = ingest.cpu_s()
            for number in range(options.rounds):
                for way, run in ways.items():
                    bucket = f"{at.store.bucket}-{way}-{number}"
                    seconds[way].append(run(bucket))
                    remove(client, bucket, expected=options.files)
            cpu_s = (ingest.cpu_s() - cpu_before) / (options.files * options.rounds)
            peak_mib = ingest.peak_mib()
        finally:
            ingest.stop()
        report(options.files, seconds, peak_mib, cpu_s)


if __name__ == "__main__":
    main()
