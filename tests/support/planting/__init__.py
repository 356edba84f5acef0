"""Failpoints, faults and defects for the processes of a test network; the product holds no code for any of them."""
