"""The demo: an invented referral and sign-up go the whole way to a partner's subscriber, with measured times."""

from deploy.local.demo.story import run, seed

__all__ = ["run", "seed"]
