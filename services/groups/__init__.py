"""Groups: programmes, groups, sign-ups, the queue and the roster."""
