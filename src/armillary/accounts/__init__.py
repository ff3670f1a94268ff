"""People, their tokens, and OAuth2: the identity provider beside the portal, a relying party elsewhere."""
