"""A workflow that calls the activity. temporal.py has the SDK's sandbox read it, as a worker does at its start."""

from datetime import timedelta

from idhook_activity import SyncOrder, sync_directory
from temporalio import workflow


@workflow.defn
class ProvisionGroup:
    @workflow.run
    async def run(self, order: SyncOrder) -> dict:
        return await workflow.execute_activity(
            sync_directory,
            order,
            start_to_close_timeout=timedelta(minutes=15),
            heartbeat_timeout=timedelta(minutes=2),
        )
