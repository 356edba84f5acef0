"""Directory: who is in the network, what they do, where, for whom, and how to refer to them."""
