"""Settings, addresses and wiring: the only place that knows which components run here."""
