"""A generation that begins at a later stage takes over what the earlier stages have left."""

from docyard_common import artifacts
from docyard_common.events.stages import Stage
from docyard_common.storage.port import ObjectStore
from docyard_common.work.model import WorkKey


async def inherit(objects: ObjectStore, key: WorkKey, source: int) -> None:
    """Copy the artifacts of the stages before `key.stage` from the generation *source*.

    So that each generation is whole by itself, and removing one harms no other. Manifests come
    last: after a kill -9 the next run copies again what is not whole. Idempotent. Raises
    ObjectMissingError where *source* has not come that far.
    """
    await _copy(objects, key, source, Stage.EXTRACT)
    if key.stage is Stage.INDEX:
        await _copy(objects, key, source, Stage.ANALYZE)


async def _copy(objects: ObjectStore, key: WorkKey, source: int, stage: Stage) -> None:
    old = artifacts.stage_prefix(key.document_id, source, stage)
    new = artifacts.stage_prefix(key.document_id, key.generation, stage)
    manifest = artifacts.manifest_key(key.document_id, source, stage)
    written = artifacts.rekeyed(await objects.get(manifest), old_prefix=old, new_prefix=new)
    found = [stat.key async for stat in objects.list(old)]
    for name in found:
        if name != manifest:
            await objects.put(new + name.removeprefix(old), await objects.get(name))
    await objects.put(artifacts.manifest_key(key.document_id, key.generation, stage), written)
