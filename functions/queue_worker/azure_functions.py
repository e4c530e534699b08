"""Runs on Azure Functions, from the bus that AGENTCORE_BUS_URL names, and events on it."""

import azure.functions as func

from agentcore.hosts import azure
from agentcore.hosts.messages import work
from agentcore.hosts.resident import shared

blueprint = func.Blueprint()
resident, seconds = shared(), azure.seconds()

match azure.source(resident.settings):
    case ("servicebus", queue):

        @blueprint.service_bus_queue_trigger(arg_name="message", connection="ServiceBus", queue_name=queue)
        async def queue_worker(message: func.ServiceBusMessage) -> None:
            limit = resident.deadline(seconds)
            (done,) = await work(resident, [azure.queued(message)], limit)
            if not done:
                await azure.give_back(limit)

    case ("eventhubs", hub):

        @blueprint.event_hub_message_trigger(arg_name="event", connection="EventHubs", event_hub_name=hub)
        async def hub_worker(event: func.EventHubEvent) -> None:
            (done,) = await work(resident, [azure.streamed(event)], resident.deadline(seconds), again=False)
            azure.told(done)

    case ("kafka", topic):

        @blueprint.kafka_trigger("event", topic, broker_list="%KafkaBrokers%", consumer_group="agentcore")
        async def kafka_worker(event: func.KafkaEvent) -> None:
            (done,) = await work(resident, [azure.recorded(event)], resident.deadline(seconds), again=False)
            azure.told(done)
