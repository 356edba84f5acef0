"""Gateway: limits, identity, deadline and forwarding by path; knows no domain rule."""
