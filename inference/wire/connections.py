"""How soon either end of a database connection notices that the other one has vanished without a word."""

from collections.abc import Mapping

VANISHED: Mapping[str, int] = {
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 25_000,  # milliseconds; of what is on its way, where no keepalives are sent
}
"""Within half a minute, by the names that a client's connection gives them. The system's own answer is two
hours, or a quarter of one."""
VANISHED_CLIENT: Mapping[str, int] = {
    f"tcp_{name.removeprefix('tcp_')}": number for name, number in VANISHED.items()
}
"""The same by the server's names."""
