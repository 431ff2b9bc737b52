"""Real servers on loopback, each in a folder of its own, for the demo and the tests."""
