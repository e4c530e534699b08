{{/* agentcore, or RELEASE-agentcore. Short, as KEDA and CronJobs add to the names of their jobs. */}}
{{- define "agentcore.name" -}}
{{- $name := contains "agentcore" .Release.Name | ternary .Release.Name (printf "%s-agentcore" .Release.Name) -}}
{{- $name | trunc 36 | trimSuffix "-" -}}
{{- end }}

{{/* What selects the pods of a role. Argument: list ROOT ROLE. */}}
{{- define "agentcore.selector" -}}
app.kubernetes.io/name: agentcore
app.kubernetes.io/instance: {{ (first .).Release.Name }}
{{- with last . }}
app.kubernetes.io/component: {{ . }}
{{- end }}
{{- end }}

{{- define "agentcore.labels" -}}
{{ include "agentcore.selector" . }}
{{- with first . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ .Chart.Name }}-{{ .Chart.Version }}
{{- end }}
{{- end }}

{{/* Metadata of a pod. Argument: list ROOT ROLE. */}}
{{- define "agentcore.podMetadata" -}}
labels:
  {{- include "agentcore.selector" . | nindent 2 }}
  {{- with (first .).Values.podLabels }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- with (first .).Values.podAnnotations }}
annotations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{/* Where a secret variable is: "NAME KEY", or nothing. Argument: list ROOT VARIABLE. */}}
{{- define "agentcore.secret" -}}
{{- $values := (first .).Values -}}
{{- with index $values.secrets (last .) -}}
{{ .name }} {{ .key }}
{{- else -}}
{{- with $values.existingSecret -}}
{{ . }} {{ last $ }}
{{- end -}}
{{- end -}}
{{- end }}

{{/* The seconds that a process needs from SIGTERM on: slices, then connections, then threads. */}}
{{- define "agentcore.grace" -}}
{{ add 20 (mul 2 .Values.marginSeconds) }}
{{- end }}
