"""Messages to people and organisations: the gate before every one, their wording, their rows, and the sender.

A row in the table `message` is written in the transaction of the change (`outbox.py`); it says of which object and
in which kind, never to which address and never what about. Who gets it is found at the moment of sending by the service
that holds the contact (`recipients.py`), where it passes the gate (`gate.py`) once more. Source: referrals.md 11.
"""
