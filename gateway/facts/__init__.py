"""What each decision stands on: one file for each, loaded by the file of the same name in ``store/facts``. Pure."""
