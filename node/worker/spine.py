"""`python -m node.worker.spine`: the sequencer and all consumers, until SIGTERM."""

import signal

from node.bootstrap.build import build_services
from node.bootstrap.handlers import subscriptions
from node.bootstrap.reactions import reactions
from node.kernel.log import configure_logging
from node.kernel.readiness import tell_ready
from node.kernel.settings import Settings
from node.kernel.spine.consumer import Consumer
from node.kernel.spine.runner import SpineRunner
from node.kernel.spine.sequencer import Sequencer
from node.worker.celery_app import Sender, make_celery


def main() -> None:
    settings = Settings()
    configure_logging(log_format=settings.log_format, level=settings.log_level)
    services = build_services(settings)
    sender = Sender(make_celery(settings))
    runner = SpineRunner(
        settings.database_url.get_secret_value(),
        Sequencer(services.database),
        [
            Consumer(services.database, subscription, services.clock)
            for subscription in subscriptions(reactions(services), sender)
        ],
    )
    for signum in (signal.SIGTERM, signal.SIGINT):
        signal.signal(signum, lambda *_: runner.stop())
    tell_ready()
    runner.run()


if __name__ == "__main__":
    main()
