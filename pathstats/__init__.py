"""What people touch: `lookup` for one learner in one session, `scan` for analysts, and the command line."""
