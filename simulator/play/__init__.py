"""A file of measurements played as a plant and a laboratory, so that a gateway can be tried on one's own history."""
