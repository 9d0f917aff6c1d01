"""The gateway as an edge node of Sparkplug B: a connection of its own, births, data, deaths.

Invariants:
1. The first message of a connection is the node's birth, then come the devices' births, then data.
2. Every message but the node's death has a sequence number, one more than the last, 0 after 255.
3. A report is taken out of the store only once the broker has answered something that was sent after it.
4. What waited when its node or device was born goes with ``is_historical``; of each subject the newest is in the birth.
5. Of commands only the request for a rebirth is understood. Nothing reaches the plant from here.
"""
