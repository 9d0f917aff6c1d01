"""The gateway's own OPC UA server: a process of its own, so that no client can take time or memory from the gateway.

``wire.py`` is what the gateway says to it by its standard input, one JSON line each; it needs no library of OPC UA, and
is all of this that the gateway itself loads. The process (``__main__.py``) gets its options first, then states of the
line; each replaces the one before. It ends with its standard input, so that it never outlives the gateway.
"""
