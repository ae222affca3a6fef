"""One process that starts a whole node, keeps every part of it alive and stops all of it.

Reading order: `plan` (what was asked for), `children` (what runs), `process` (one child), `supervisor` (all
The Python of the children is not imported here: the supervisor starts programs and looks after them.
leaves nothing running for longer than the next `up` or `down`.
"""
