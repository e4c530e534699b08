#!/usr/bin/env bash
# Before run.sh. A right that was given a moment ago is not known everywhere at once; and who had none when it signed in
# sees no subscription until it signs in again.
for _ in {1..30}; do
  az login --identity --client-id "$CLIENT_ID" --output none || true
  az containerapp job show --name "$JOB" --resource-group "$RESOURCE_GROUP" --subscription "$SUBSCRIPTION" \
    --output none && break
  sleep 10
done

