"""Create the queue of AGENTCORE_BUS_URL and the one for its dead letters on RabbitMQ. Safe to repeat.

The product's processes create nothing, so that they need no such right (docs/buses.md).
"""

from __future__ import annotations

import asyncio
import os

import aio_pika
from yarl import URL


async def main() -> None:
    server, _, queue = os.environ["AGENTCORE_BUS_URL"].rpartition("/")
    address = URL(server).with_user(os.environ["AGENTCORE_BUS_USERNAME"])
    async with await aio_pika.connect(address.with_password(os.environ["AGENTCORE_BUS_PASSWORD"])) as connection:
        channel = await connection.channel()
        for name in (queue, f"{queue}-dead"):
            await channel.declare_queue(name, durable=True, arguments={"x-queue-type": "quorum"})


if __name__ == "__main__":
    asyncio.run(main())
