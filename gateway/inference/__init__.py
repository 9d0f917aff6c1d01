"""Models: bundles that are checked before use, features, intervals. Pure."""
