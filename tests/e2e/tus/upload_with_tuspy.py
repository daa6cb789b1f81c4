"""Uploads a file with tuspy: all of it, or the chunks that its argument `chunks` asks for."""

import json
import sys
from typing import Any

from tusclient.client import TusClient
from tusclient.storage import filestorage


def main(said: dict[str, Any]) -> None:
    # The package says that it is typed, and leaves most of it out.
    storage: Any = filestorage.FileStorage
    client: Any = TusClient(said["endpoint"], headers={"Authorization": f"Bearer {said['token']}"})
    uploader = client.uploader(
        said["file"],
        chunk_size=said["chunkSize"],
        metadata={"filename": said["name"]},
        store_url=True,
        url_storage=storage(said["store"]),
        upload_checksum=True,
    )
    began_at = uploader.offset
    if "chunks" in said:
        for _ in range(said["chunks"]):
            uploader.upload_chunk()
    else:
        uploader.upload()
    json.dump({"url": uploader.url, "began_at": began_at}, sys.stdout)


main(json.loads(sys.argv[1]))
