"""The SQL of this service: functions over a transaction, one module a table."""
