"""Who may do what: rights by role, how a person is identified, passwords and delays after wrong ones. Pure."""
