"""Subscriptions: the event journal for outsiders, their feed, and their queues at the broker."""
