"""One large upload through ingest against a direct multipart put into the same store.

    python -m bench.upload [--mib 1024] [--rounds 3]

Rounds alternate, so that what else the machine does hits all alike. Direct means twice:
`put_object` of the SDK as anybody uses it, and our own adapter, which is faster because it signs
no payload. Client, ingest and store share the machine. DOCYARD_TEST_SERVERS names servers that
run already.
"""

import tempfile
from pathlib import Path

from bench.direct import adapter_put, sdk_put
from bench.ingest_process import MIB, Ingest
from bench.servers import place
from bench.transfers import Meter, Way, compare, options, report


def main() -> None:
    given = options(__doc__)
    size = given.mib * MIB
    with tempfile.TemporaryDirectory() as name, place(Path(name) / "servers") as at:
        ingest = Ingest(at.environment, Path(name))
        ways = {
            "ingest": Way(ingest.send, ingest.erase),
            "sdk": sdk_put(at),
            "adapter": adapter_put(at),
        }
        try:
            meter = Meter(ingest, {"store": at.store_process})
            rounds = compare(ways, meter, size=size, rounds=given.rounds)
        finally:
            ingest.stop()
        report(size, rounds, ours=("ingest",), peers=("sdk", "adapter"))


if __name__ == "__main__":
    main()
