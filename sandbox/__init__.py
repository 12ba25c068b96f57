"""A stand-in platform: serves any source's tables over HTTP, as version 2 of the 360Learning API does."""
