"""`sqs://REGION/ACCOUNT/QUEUE`: an Amazon SQS standard queue; its redrive policy names where dead letters go."""

from __future__ import annotations

import asyncio
import json
import math
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Lock
from typing import Any, TypeVar

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError, NoCredentialsError, PartialCredentialsError

from agentcore.bus.url import misconfigured, parse, refused
from agentcore.envelope import opened
from agentcore.records import Message
from agentcore.settings import Settings

# SQS developer guide, "Amazon SQS message quotas"
_BATCH = 10  # messages of one request
_LONGEST_WAIT = 20  # seconds of one long poll
_LONGEST_DELAY = 900  # seconds
_LONGEST_HIDDEN = 43_200  # seconds
_ATTRIBUTES = 10  # of one message
_MISSING = {"QueueDoesNotExist", "AWS.SimpleQueueService.NonExistentQueue"}
_REFUSED = {
    "AccessDenied", "AccessDeniedException", "InvalidClientTokenId", "SignatureDoesNotMatch", "InvalidAccessKeyId",
    "UnrecognizedClientException", "InvalidSignatureException", "AuthFailure", "OptInRequired", "ExpiredToken",
}  # fmt: skip
_ROLE = "Give this process a role that may use the queue (docs/buses.md); AGENTCORE_BUS_URL holds no credentials."
T = TypeVar("T")


class SqsBus:
    def __init__(self, url: str, settings: Settings) -> None:
        self.redelivery = settings.redelivery_seconds
        self._url = parse(url, settings, "sqs://REGION/ACCOUNT/QUEUE", 2)
        self._url.only()
        self._account, self._queue = self._url.path
        if self._queue.endswith(".fifo"):
            raise misconfigured(self._url, "a FIFO queue holds runs back for nothing: use a standard queue")
        self._threads = ThreadPoolExecutor(8, thread_name_prefix="sqs")  # its client blocks
        self._made: Any = None
        self._making = Lock()
        self._urls: dict[tuple[str, str], str] = {}

    async def send(self, run_ids: Sequence[str], *, delay: float = 0.0) -> None:
        if delay > _LONGEST_DELAY:
            return
        batches = [run_ids[n : n + _BATCH] for n in range(0, len(run_ids), _BATCH)]
        results = await asyncio.gather(
            *(self._call(self._send, batch, math.ceil(delay)) for batch in batches), return_exceptions=True
        )
        for error in results:
            if isinstance(error, BaseException):
                raise error

    async def receive(self, *, limit: int, wait: float) -> Sequence[Message]:
        found = await self._call(self._receive, min(limit, _BATCH), min(math.ceil(wait), _LONGEST_WAIT))
        return [_opened(one) for one in found]

    async def ack(self, message: Message) -> None:
        await self._call(self._settle, "delete_message", message)

    async def retry(self, message: Message, *, delay: float) -> None:
        hidden = min(math.ceil(delay), _LONGEST_HIDDEN)
        await self._call(self._settle, "change_message_visibility", message, VisibilityTimeout=hidden)

    async def dead_letter(self, message: Message, reason: str) -> None:
        came = message.receipt
        await self._call(self._bury, came["Body"], came.get("MessageAttributes", {}), reason)
        await self._call(self._settle, "delete_message", message)

    async def bury(self, body: bytes, attributes: Mapping[str, str], reason: str) -> None:
        given = {name: {"DataType": "String", "StringValue": one} for name, one in attributes.items() if one}
        await self._call(self._bury, body.decode(errors="replace"), given, reason)

    async def check(self) -> str:
        return await self._call(self._check)

    async def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)
        if self._made is not None:
            self._made.close()

    # -- in a thread

    async def _call(self, do: Callable[..., T], *args: Any, **options: Any) -> T:
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, lambda: do(*args, **options))
        except (NoCredentialsError, PartialCredentialsError) as error:
            raise refused(self._url, f"No AWS credentials were found. {_ROLE}", error) from error
        except ClientError as error:
            code = error.response["Error"]["Code"]
            if code in _MISSING:
                raise misconfigured(self._url, "there is no such queue; check region, account and name") from error
            if code in _REFUSED:
                raise refused(self._url, _ROLE, error) from error
            raise

    def _client(self) -> Any:
        with self._making:
            return self._made or self._make()

    def _make(self) -> Any:
        config = Config(
            connect_timeout=5, read_timeout=_LONGEST_WAIT + 10, retries={"mode": "standard", "total_max_attempts": 3}
        )
        self._made = boto3.Session().client("sqs", region_name=self._url.hosts, config=config)
        return self._made

    def _queue_url(self, account: str = "", name: str = "") -> str:
        key = (account or self._account, name or self._queue)
        if key not in self._urls:
            found = self._client().get_queue_url(QueueName=key[1], QueueOwnerAWSAccountId=key[0])
            self._urls[key] = found["QueueUrl"]
        return self._urls[key]

    def _send(self, run_ids: Sequence[str], delay: int) -> None:
        entries = [{"Id": str(n), "MessageBody": one, "DelaySeconds": delay} for n, one in enumerate(run_ids)]
        answer = self._client().send_message_batch(QueueUrl=self._queue_url(), Entries=entries)
        if failed := answer.get("Failed"):
            raise ConnectionError(f"SQS did not take {len(failed)} of {len(entries)} messages: {failed[0]['Code']}")

    def _receive(self, limit: int, wait: int) -> Sequence[Mapping[str, Any]]:
        answer = self._client().receive_message(
            QueueUrl=self._queue_url(), MaxNumberOfMessages=limit, WaitTimeSeconds=wait,
            MessageSystemAttributeNames=["ApproximateReceiveCount"], MessageAttributeNames=["All"],
        )  # fmt: skip
        found: Sequence[Mapping[str, Any]] = answer.get("Messages", ())
        return found

    def _settle(self, verb: str, message: Message, **how: Any) -> None:
        handle = message.receipt["ReceiptHandle"]
        getattr(self._client(), verb)(QueueUrl=self._queue_url(), ReceiptHandle=handle, **how)

    def _bury(self, body: str, attributes: Mapping[str, Any], reason: str) -> None:
        kept = list(attributes.items())[: _ATTRIBUTES - 1]
        why = {"DataType": "String", "StringValue": reason[:1000]}
        self._client().send_message(
            QueueUrl=self._queue_url(*self._dead_letters()), MessageBody=body,
            MessageAttributes={**dict(kept), "reason": why},
        )  # fmt: skip

    def _dead_letters(self) -> tuple[str, str]:
        policy = self._attributes("RedrivePolicy").get("RedrivePolicy")
        if not policy:
            raise misconfigured(self._url, "the queue has no redrive policy, so dead letters cannot be put aside")
        *_, account, name = json.loads(policy)["deadLetterTargetArn"].split(":")
        return account, name

    def _check(self) -> str:
        count = self._attributes("ApproximateNumberOfMessages")["ApproximateNumberOfMessages"]
        _, dead = self._dead_letters()
        return f"about {count} waiting, dead letters go to {dead}"

    def _attributes(self, *names: str) -> Mapping[str, str]:
        answer = self._client().get_queue_attributes(QueueUrl=self._queue_url(), AttributeNames=list(names))
        found: Mapping[str, str] = answer.get("Attributes", {})
        return found


def _opened(came: Mapping[str, Any]) -> Message:
    attributes = {name: one.get("StringValue") for name, one in came.get("MessageAttributes", {}).items()}
    attempt = int(came.get("Attributes", {}).get("ApproximateReceiveCount", 1))
    kind = attributes.get("content-type") or ""
    return opened(came["Body"].encode(), attributes, content_type=kind, attempt=attempt, receipt=came)
