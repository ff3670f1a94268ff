"""The pages people look at: a client like any other, which asks the services as the signed-in person."""
