"""What every Docyard service shares: the wire contract, delivery policy, ports and adapters."""
