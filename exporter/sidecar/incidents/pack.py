"""Evidence as bytes for the store, and back; pure."""

from __future__ import annotations

import json
import zlib

from exporter.sidecar.incidents.incident import Change, Comparison, Evidence, Series


def packed(evidence: Evidence) -> bytes:
    """Write evidence as compressed JSON."""
    text = json.dumps(evidence._asdict(), separators=(",", ":"))
    return zlib.compress(text.encode())


def unpacked(body: bytes) -> Evidence:
    """Read what `packed` wrote."""
    found = json.loads(zlib.decompress(body))
    found["series"] = [
        Series(labels, [(at, value) for at, value in points])
        for labels, points in found["series"]
    ]
    found["comparisons"] = [
        Comparison(kind, title, unit, [Change(*change) for change in changes], *total)
        for kind, title, unit, changes, *total in found["comparisons"]
    ]
    return Evidence(**found)
