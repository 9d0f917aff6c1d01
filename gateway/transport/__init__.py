"""Vendor edges: each module is the gateway's only importer of its library, and translates its errors."""
