"""What is done about subscriptions."""
