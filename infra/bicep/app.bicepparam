// What `azd deploy` gives app.bicep: the image that it has just pushed, and what `azd provision` has found out.
using 'app.bicep'

param image = readEnvironmentVariable('SERVICE_AGENTCORE_IMAGE_NAME')
param found = json(readEnvironmentVariable('found'))
