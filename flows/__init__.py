"""The run: sources, warehouse, publishing, and the Prefect flow that runs them in order."""
