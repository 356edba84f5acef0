"""The independent services; no service imports another, they talk by events only."""
