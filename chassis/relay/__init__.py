"""The relay: carries each service's outbox to the broker, oldest first and confirmed (bus.md section 3)."""

from chassis.relay.process import main, run

__all__ = ["main", "run"]
