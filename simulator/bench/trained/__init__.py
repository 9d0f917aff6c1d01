"""Training, tried on plants that are made up: what the shortest recipe reaches beside plain models."""
