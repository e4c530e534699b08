{{/* bus.url, taken apart as agentcore does: scheme, user, host, path, query. */}}
{{- define "agentcore.bus" -}}
{{- $form := "^([a-z]+)://([^@/?]*@)?([^/?]*)/?([^?]*)[?]?(.*)$" -}}
{{- range $n, $part := list "scheme" "user" "host" "path" "query" }}
{{ $part }}: {{ regexReplaceAll $form $.Values.bus.url (printf "${%d}" (add1 $n)) | quote }}
{{- end }}
{{- end }}

{{/* One option of bus.url. Argument: list QUERY NAME DEFAULT. */}}
{{- define "agentcore.option" -}}
{{- $found := regexFind (printf "(^|&)%s=[^&]*" (index . 1 | replace "." "[.]")) (index . 0) -}}
{{- regexReplaceAll "^.*=" $found "" | default (index . 2) -}}
{{- end }}

{{/* What tells KEDA that there is work: so many that wait for each process that takes so many. */}}
{{- define "agentcore.triggers" -}}
{{- with .Values.worker.keda.triggers }}
{{- toYaml . }}
{{- else }}
{{- $bus := include "agentcore.bus" . | fromYaml }}
{{- $each := .Values.settings.AGENTCORE_CONCURRENCY | default "10" | quote }}
{{- if eq $bus.scheme "store" -}}
- type: postgresql
  metadata:
    # A run has a wake_at while time moves it: when it is due, or when its worker's lease ends. The index run_due has it.
    query: SELECT count(*) FROM (SELECT 1 FROM run WHERE wake_at <= now() LIMIT 10000) AS due
    targetQueryValue: {{ $each }}
{{- else if has $bus.scheme (list "amqp" "amqps") -}}
{{- $path := splitList "/" $bus.path -}}
- type: rabbitmq
  metadata:
    protocol: amqp
    host: {{ $bus.scheme }}://{{ $bus.host }}
    {{- if gt (len $path) 1 }}
    vhostName: {{ first $path | quote }}
    {{- end }}
    queueName: {{ last $path | quote }}
    mode: QueueLength
    value: {{ $each }}
{{- else if eq $bus.scheme "kafka" -}}
{{- $protocol := include "agentcore.option" (list $bus.query "security.protocol" (eq .Values.bus.signIn "password" | ternary "SASL_SSL" "PLAINTEXT")) -}}
{{- $mechanism := include "agentcore.option" (list $bus.query "sasl.mechanism" "PLAIN") -}}
{{- $names := dict "PLAIN" "plaintext" "SCRAM-SHA-256" "scram_sha256" "SCRAM-SHA-512" "scram_sha512" -}}
- type: apache-kafka
  metadata:
    bootstrapServers: {{ $bus.host }}
    topic: {{ $bus.path | quote }}
    consumerGroup: {{ include "agentcore.option" (list $bus.query "group" "agentcore") | quote }}
    lagThreshold: {{ $each }}
    offsetResetPolicy: earliest
    tls: {{ contains "SSL" $protocol | ternary "enable" "disable" }}
    sasl: {{ hasPrefix "SASL" $protocol | ternary (get $names $mechanism) "none" }}
{{- else if eq $bus.scheme "servicebus" -}}
- type: azure-servicebus
  metadata:
    namespace: {{ trimSuffix ".servicebus.windows.net" $bus.host }}
    queueName: {{ $bus.path | quote }}
    messageCount: {{ $each }}
{{- else }}
{{- fail (printf "worker.kind=scaledjob: give worker.keda.triggers for %s://, or take worker.kind=deployment." $bus.scheme) }}
{{- end }}
{{- if include "agentcore.authentication" . | trim }}
  authenticationRef: {name: {{ include "agentcore.name" . }}-worker}
{{- end }}
{{- end }}
{{- end }}

{{/* What KEDA signs in with: the secrets of the pods, unless worker.keda says otherwise. */}}
{{- define "agentcore.authentication" -}}
{{- $keda := .Values.worker.keda }}
{{- $bus := include "agentcore.bus" . | fromYaml }}
{{- $parameters := list }}
{{- if eq $bus.scheme "store" }}
{{- if and .Values.settings.AGENTCORE_DATABASE_IDENTITY (not $keda.connection) }}
{{- fail "worker.keda.connection: KEDA cannot sign in with the pods' identity. Name a Secret with the URL of a user who may read the table run." }}
{{- end }}
{{- $own := include "agentcore.secret" (list . "AGENTCORE_DATABASE_URL") | splitList " " }}
{{- $at := $keda.connection | default (dict "name" (first $own) "key" (last $own)) }}
{{- $parameters = append $parameters (dict "parameter" "connection" "name" $at.name "key" $at.key) }}
{{- else if eq .Values.bus.signIn "password" }}
{{- $names := eq $bus.scheme "servicebus" | ternary (dict "connection" "PASSWORD") (dict "username" "USERNAME" "password" "PASSWORD") }}
{{- range $parameter, $variable := $names }}
{{- $at := include "agentcore.secret" (list $ (printf "AGENTCORE_BUS_%s" $variable)) | splitList " " }}
{{- if not (first $at) }}
{{- fail (printf "AGENTCORE_BUS_%s: name the Secret that has it, in existingSecret or secrets." $variable) }}
{{- end }}
{{- $parameters = append $parameters (dict "parameter" $parameter "name" (first $at) "key" (last $at)) }}
{{- end }}
{{- end }}
{{- with concat $parameters $keda.parameters }}
secretTargetRef:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- if eq .Values.bus.signIn "identity" }}
podIdentity:
  provider: azure-workload
  {{- with $keda.identityId }}
  identityId: {{ . }}
  {{- end }}
{{- end }}
{{- end }}
