"""What the outside sees: topics, payloads, identities, times. Pure; the simulator imports it too."""
