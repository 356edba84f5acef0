"""Rules of groups: pure functions and tables; time and ids come in as arguments."""
