"""Certificates of analysis: of a lot and a customer's requirement, the draft with its gaps. Pure."""
