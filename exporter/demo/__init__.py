"""The embedded world: real servers, a sample application, load and faults."""
