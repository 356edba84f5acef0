"""What the tests stand on: private instances, fresh databases, whole networks."""
