"""What a Temporal worker does with an activity, by the SDK's own environment for tests; `RUN` says what is asked for.

A retryable error has the activity tried again with the details of the last heartbeat, as the server would do it; twice, then it
fails. With `cancelAfter` the activity is cancelled after so many seconds. With `workflows`, a folder with temporal_workflow.py, that workflow is
read by the sandbox, and the activity is not run.
"""

import asyncio
import dataclasses
import json
import os
import sys

from temporalio.exceptions import ApplicationError
from temporalio.testing import ActivityEnvironment

run = json.loads(os.environ["RUN"])
sys.path.insert(0, run["folder"])
from idhook_activity import SyncOrder, sync_directory  # noqa: E402


async def attempt(details: list) -> object:
    environment = ActivityEnvironment()
    environment.info = dataclasses.replace(environment.info, heartbeat_details=list(details))

    def on_heartbeat(*now):
        details[:] = now
        print("heartbeat", *now)

    environment.on_heartbeat = on_heartbeat
    if "cancelAfter" in run:
        asyncio.get_running_loop().call_later(run["cancelAfter"], environment.cancel)
    return await environment.run(sync_directory, SyncOrder(**run["order"]))


def read_in_the_sandbox(folder: str) -> None:
    from temporalio import workflow
    from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner

    sys.path.insert(0, folder)
    from temporal_workflow import ProvisionGroup

    SandboxedWorkflowRunner().prepare_workflow(workflow._Definition.must_from_class(ProvisionGroup))


async def main() -> None:
    if "workflows" in run:
        return read_in_the_sandbox(run["workflows"])
    details: list = run.get("heartbeatDetails", [])
    for left in (2, 1, 0):
        try:
            print(json.dumps(await attempt(details), separators=(",", ":")))
            return
        except ApplicationError as e:
            print(f"{e.type}: {e.message}", file=sys.stderr)
            if e.non_retryable or not left:
                sys.exit(1)
            if e.next_retry_delay:
                await asyncio.sleep(e.next_retry_delay.total_seconds())
        except asyncio.CancelledError:
            sys.exit("cancelled")


asyncio.run(main())
