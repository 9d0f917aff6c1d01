"""The hash-chained audit trail: written, verified, archived, signed."""
