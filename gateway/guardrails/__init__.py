"""The gates between the plant and any advice. Pure; each may abstain with a reason code."""
