"""What several test files use: runs of the workflow, damage, a browser, a cluster, a small study."""
