{{/* Metadata of a service. Argument: list ROOT NAME. */}}
{{- define "services.metadata" -}}
name: {{ (first .).Release.Name }}-{{ last . }}
labels:
  app.kubernetes.io/part-of: agentcore
  app.kubernetes.io/instance: {{ (first .).Release.Name }}
  app.kubernetes.io/managed-by: {{ (first .).Release.Service }}
{{- if (first .).Values.keep }}
annotations:
  helm.sh/resource-policy: keep
{{- end }}
{{- end }}
