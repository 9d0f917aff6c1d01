"""The store's life: opened, checked, pruned, salvaged, backed up."""
