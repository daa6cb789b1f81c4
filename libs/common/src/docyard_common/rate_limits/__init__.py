"""How often somebody may do something, counted in the process or by all replicas together."""

from docyard_common.rate_limits.policy import RatePolicy, Verdict

__all__ = ["RatePolicy", "Verdict"]
