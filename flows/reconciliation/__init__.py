"""Our answers held against the platform's own: agreement per field, and what each difference is due to."""
