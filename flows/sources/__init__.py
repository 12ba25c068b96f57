"""Sources: equals, each of which lands the six tables of SPEC section 1."""
