"""The shared language, rules and state machines: pure functions and values."""
