"""The request language: model, validation, durations, visibility, patterns, cadence and states. Pure."""
