"""What would be observed in the coming nights: the real kernel, with weather and failures by chance."""
