"""Operations: scheduling, the Prefect server, notifications, incidents, interrupts."""
