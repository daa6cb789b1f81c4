"""The session's servers, for stacks that start none of their own."""

import pytest

from docyard_common.settings import DatabaseSettings, KafkaSettings, ObjectStoreSettings


@pytest.fixture
def given(
    kafka_settings: KafkaSettings,
    database_settings: DatabaseSettings,
    object_store_settings: ObjectStoreSettings,
    monkeypatch: pytest.MonkeyPatch,
) -> str:
    """Name the session's servers in the environment; return the broker's address."""
    variables = {
        "KAFKA__BOOTSTRAP_SERVERS": kafka_settings.bootstrap_servers,
        "KAFKA__TOPIC_PREFIX": kafka_settings.topic_prefix,
        "DATABASE__URL": database_settings.url.get_secret_value(),
        "OBJECT_STORE__ENDPOINT": object_store_settings.endpoint,
        "OBJECT_STORE__ACCESS_KEY": object_store_settings.access_key,
        "OBJECT_STORE__SECRET_KEY": object_store_settings.secret_key.get_secret_value(),
        "OBJECT_STORE__BUCKET": object_store_settings.bucket,
    }
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    return kafka_settings.bootstrap_servers
