"""What systems that are told over HTTP get: which messages (``rule``), and in which form (``table``). Pure."""
