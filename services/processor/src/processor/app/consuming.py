"""What the processor reads from Kafka, each in a group of its own."""

from docyard_common.events import topics
from docyard_common.events.stages import Priority
from docyard_common.kafka.consumer import BatchConsumer
from processor.app.parts import SCHEMA, Parts
from processor.commands import Commands
from processor.intake import Intake
from processor.settings import ProcessorSettings


def consumer(settings: ProcessorSettings, parts: Parts) -> BatchConsumer:
    """One subscriber a lane and stage, so that a full lane holds back nothing but itself."""
    found = BatchConsumer(settings.kafka, client_id=SCHEMA)
    for stage in settings.processor.stages:
        for lane in Priority:
            intake = Intake(
                stage,
                lane,
                database=parts.database,
                outbox=parts.outbox,
                settings=settings.processor,
                estimates=parts.memory.estimates,
            )
            found.subscribe(
                topics.work(stage, lane),
                group=f"{stage}.{lane}",
                apply=intake.apply,
                reject=intake.reject,
            )
    commands = Commands(database=parts.database, outbox=parts.outbox, holds=parts.holds)
    found.subscribe(topics.COMMANDS, group="processor.commands", apply=commands.apply)
    found.subscribe(topics.EVENTS, group="processor.erasure", apply=commands.apply, linger_ms=500)
    return found
