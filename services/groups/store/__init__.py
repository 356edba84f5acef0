"""Rows that a decision needs, each behind its lock: programmes and groups, seats and queue, return cards, copies."""
