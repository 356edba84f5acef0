"""What can be done with access; each function loads, decides, saves and audits in one transaction."""
