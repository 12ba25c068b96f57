"""Reconcile our results with the platform's own: agreement per field, and reasons for differences."""
