"""One process that starts a whole node, keeps every part of it alive and stops all of it.

Reading order: `plan` (what was asked for), `children` (what runs), `process` (one child), `supervisor` (all
of them). Invariants: a part that died comes back with its data; whatever ends the supervisor, `kill -9`
included, leaves nothing running for longer than the next `up` or `down`.
"""
