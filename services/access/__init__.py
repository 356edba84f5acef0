"""Access: who may act for which organisation, by which token."""
