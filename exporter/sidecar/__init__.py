"""The sidecar: rules kept in step, delivery proved, incidents kept with their cause."""
