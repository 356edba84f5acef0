"""The launcher for one machine: private database and broker, supervised processes, the command line."""
