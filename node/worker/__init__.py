"""Background work: `node.worker` runs tasks (Celery), `.spine` the consumers, `.beat` the schedule."""
