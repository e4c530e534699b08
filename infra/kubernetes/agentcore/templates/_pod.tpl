{{/* What all pods have. Argument: list ROOT ROLE. No service links: Kubernetes would set AGENTCORE_PORT and others for
services whose names begin so, and agentcore refuses what is not a setting. */}}
{{- define "agentcore.pod" -}}
{{- $values := (first .).Values -}}
serviceAccountName: {{ include "agentcore.name" (first .) }}-{{ last . }}
automountServiceAccountToken: false
enableServiceLinks: false
securityContext:
  runAsNonRoot: true
  runAsUser: 10001
  runAsGroup: 10001
  fsGroup: 10001
  seccompProfile: {type: RuntimeDefault}
topologySpreadConstraints:
  {{- range list "topology.kubernetes.io/zone" "kubernetes.io/hostname" }}
  - topologyKey: {{ . }}
    maxSkew: 1
    whenUnsatisfiable: ScheduleAnyway
    labelSelector:
      matchLabels:
        {{- include "agentcore.selector" $ | nindent 8 }}
  {{- end }}
volumes:
  - name: tmp
    emptyDir: {sizeLimit: 256Mi}
  {{- with $values.certificates }}
  - name: certificates
    secret: {secretName: {{ . }}, items: [{key: ca.crt, path: ca.crt}]} # never a private key beside it
  {{- end }}
{{- range $name := list "imagePullSecrets" "nodeSelector" "tolerations" "priorityClassName" }}
{{- with index $values $name }}
{{ dict $name . | toYaml }}
{{- end }}
{{- end }}
{{- end }}

{{/* What all containers have. Argument: list ROOT RESOURCES. */}}
{{- define "agentcore.container" -}}
{{- $values := (first .).Values -}}
image: {{ $values.image }}
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  capabilities: {drop: [ALL]}
{{- include "agentcore.environment" (first .) }}
resources:
  {{- toYaml (last .) | nindent 2 }}
volumeMounts:
  - {name: tmp, mountPath: /tmp}
  {{- if $values.certificates }}
  - {name: certificates, mountPath: /etc/agentcore/certificates, readOnly: true}
  {{- end }}
{{- end }}

{{/* Variables are in the pods themselves: a ConfigMap would not be there yet when the first migration runs. */}}
{{- define "agentcore.environment" }}
{{- if not (include "agentcore.secret" (list . "AGENTCORE_DATABASE_URL")) }}
{{- fail "AGENTCORE_DATABASE_URL: name the Secret that has it, in existingSecret or secrets." }}
{{- end }}
env:
  - {name: AGENTCORE_BUS_URL, value: {{ .Values.bus.url | quote }}}
  - {name: AGENTCORE_SLICE_SECONDS, value: {{ .Values.sliceSeconds | quote }}}
  - {name: AGENTCORE_DEADLINE_MARGIN, value: {{ .Values.marginSeconds | quote }}}
  {{- if .Values.monitoring.enabled }}
  - {name: AGENTCORE_METRICS_HOST, value: "0.0.0.0"}
  - {name: AGENTCORE_METRICS_PORT, value: "9464"}
  {{- end }}
  {{- range $name, $value := .Values.settings }}
  - {name: {{ $name }}, value: {{ $value | quote }}}
  {{- end }}
  {{- range $name, $ref := .Values.secrets }}
  - name: {{ $name }}
    valueFrom: {secretKeyRef: {name: {{ $ref.name }}, key: {{ $ref.key }}}}
  {{- end }}
{{- with .Values.existingSecret }}
envFrom:
  - secretRef: {name: {{ . }}}
{{- end }}
{{- end }}
