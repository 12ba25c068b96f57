"""Access to the home folder: one run at a time, file permissions, durable writes."""
