"""``python -m hmi_client``: see main."""

from hmi_client.main import main

main()
