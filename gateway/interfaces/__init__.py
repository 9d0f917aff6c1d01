"""What other systems read of a line: what the gateway has committed, as plain values, and how it is given.

``records/line_state.py`` has the values, ``state_reading.py`` reads them, ``opcua.py`` hands them to the OPC UA server,
which is a process of its own. Nothing here writes to the store or acts.
"""
