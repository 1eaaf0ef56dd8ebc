"""Runs one training job as a Celery worker would, in a process of its own (`-m ... JOB_ID`)."""

import sys

import django


def main() -> None:
    django.setup()
    from portal.training.jobs import training_run

    training_run(sys.argv[1])


if __name__ == "__main__":
    main()
