"""What the platforms promise: the one place where a judgement is written."""
