#!/usr/bin/env bash
# Start the job and wait for its end. Fails where it fails, so that nothing is deployed after it.
set -euo pipefail

job=(--name "$JOB" --resource-group "$RESOURCE_GROUP" --subscription "$SUBSCRIPTION")
execution=$(az containerapp job start "${job[@]}" --query name --output tsv)
echo "migration and preflight: execution $execution of $JOB"

while true; do
  status=$(az containerapp job execution show "${job[@]}" --job-execution-name "$execution" \
    --query properties.status --output tsv)
  case "$status" in
    Succeeded) exit 0 ;;
    Failed | Stopped | Degraded) break ;;
  esac
  if ((SECONDS > TIMEOUT)); then
    break
  fi
  sleep 5
done
cat >&2 <<END
The migration or the preflight did not succeed ($status). Nothing was deployed; what ran before still runs.
What it said, some minutes later, in the Log Analytics workspace:
  ContainerAppConsoleLogs | where ContainerGroupName startswith "$execution" | project TimeGenerated, Log
END
exit 1
