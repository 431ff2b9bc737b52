"""The verdict on every promise over a period: gathered, judged, written."""
