"""A stand-in platform: any source's world, served over HTTP as version 2 of the 360Learning API would."""
