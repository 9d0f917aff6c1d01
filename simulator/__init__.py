"""A plant, a laboratory, a MES and operators to try a gateway on. Knows the gateway only by its contract."""
