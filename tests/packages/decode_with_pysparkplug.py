"""Decodes payloads of Sparkplug B with pysparkplug: a JSON list of (kind, base64) on standard input, births first."""

import base64
import json
import sys

import pysparkplug

births, decoded = {}, []
for kind, device, payload in json.load(sys.stdin):
    birth = births.get(device)
    message = getattr(pysparkplug, kind).decode(base64.b64decode(payload), birth=None if "Birth" in kind else birth)
    if "Birth" in kind:
        births[device] = message
    metrics = getattr(message, "metrics", ())
    decoded.append({
        "seq": getattr(message, "seq", None),
        "bd_seq": message.bd_seq_metric.value if kind == "NDeath" else None,
        "timestamp": message.timestamp,
        "metrics": [
            {"name": metric.name, "value": metric.value, "type": metric.datatype.name, "alias": metric.alias,
             "timestamp": metric.timestamp, "historical": bool(metric.is_historical)}
            for metric in metrics
        ],
    })  # fmt: skip
json.dump(decoded, sys.stdout)
