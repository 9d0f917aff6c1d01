"""What ``labline init`` does: looks at server and broker, has a person choose, writes the configuration."""
