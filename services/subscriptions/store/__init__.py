"""What subscriptions keeps: the journal and its positions, the grants, and the partners' rights at the broker."""
