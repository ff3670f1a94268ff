"""The observation portal: proposals, request groups, observations, and what becomes of them."""
