"""Sparkplug B 3.0 as an edge node speaks it: topics, metrics, payloads, the state of a host. Pure.

Source: the Eclipse Sparkplug Specification 3.0.0; docs/sparkplug.md says rule by rule what of it is kept.
"""
