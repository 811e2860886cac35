{{- define "vae-train.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 40 | trimSuffix "-" -}}
{{- end }}

{{/* Without the dots that a release's name may have and a Service's may not; at most 40 letters, so that names of pods and what is
     put behind them fit into 63. */}}
{{- define "vae-train.fullname" -}}
{{- $name := include "vae-train.name" . -}}
{{- $whole := ternary .Release.Name (printf "%s-%s" .Release.Name $name) (contains $name .Release.Name) -}}
{{- .Values.fullnameOverride | default $whole | replace "." "-" | trunc 40 | trimAll "-" -}}
{{- end }}

{{/* What selects the pods of one role. Given (list root role). */}}
{{- define "vae-train.selector" -}}
app.kubernetes.io/name: {{ include "vae-train.name" (index . 0) }}
app.kubernetes.io/instance: {{ (index . 0).Release.Name }}
app.kubernetes.io/component: {{ index . 1 }}
{{- end }}

{{/* Given (list root role). */}}
{{- define "vae-train.labels" -}}
{{- $root := index . 0 -}}
{{ include "vae-train.selector" . }}
app.kubernetes.io/version: {{ $root.Chart.AppVersion | quote }}
app.kubernetes.io/part-of: vaecluster
app.kubernetes.io/managed-by: {{ $root.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" $root.Chart.Name $root.Chart.Version | replace "+" "_" }}
{{- with $root.Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{/* metadata of an object of one role. Given (list root role name [annotations]). */}}
{{- define "vae-train.metadata" -}}
{{- $root := index . 0 -}}
name: {{ index . 2 }}
namespace: {{ $root.Release.Namespace }}
labels:
  {{- include "vae-train.labels" (list $root (index . 1)) | nindent 2 }}
{{- $given := dict -}}
{{- if gt (len .) 3 }}{{ $given = index . 3 }}{{ end -}}
{{- with merge (dict) $given $root.Values.commonAnnotations }}
annotations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{- define "vae-train.image" -}}
{{- with .Values.image -}}
{{- if .digest -}}{{ .repository }}@{{ .digest }}{{- else -}}{{ .repository }}:{{ .tag | default $.Chart.AppVersion }}{{- end -}}
{{- end -}}
{{- end }}

{{/* Given (list root role). */}}
{{- define "vae-train.serviceAccount" -}}
{{- $root := index . 0 -}}
{{- $account := (index $root.Values (index . 1)).serviceAccount -}}
{{- if $account.create -}}
{{- default (printf "%s-%s" (include "vae-train.fullname" $root) (index . 1)) $account.name -}}
{{- else -}}
{{- default "default" $account.name -}}
{{- end -}}
{{- end }}

{{- define "vae-train.tokenSecret" -}}
{{- default (printf "%s-token" (include "vae-train.fullname" .)) .Values.token.existingSecret -}}
{{- end }}

{{- define "vae-train.claim" -}}
{{- if eq .Values.storage.type "existingClaim" -}}{{ .Values.storage.existingClaim }}{{- else -}}{{ include "vae-train.fullname" . }}-runs{{- end -}}
{{- end }}

{{/* The claims that a run fills, as a pattern in a query: a claim's name may have dots. */}}
{{- define "vae-train.claims" -}}
{{- if ne .Values.storage.type "s3" }}{{ include "vae-train.claim" . | replace "." "[.]" }}|{{ end -}}
journal-{{ include "vae-train.fullname" . }}-coordinator-0
{{- end }}

{{- define "vae-train.scheme" -}}
{{- if .Values.tls.enabled -}}https{{- else -}}http{{- end -}}
{{- end }}

{{/* As certificates name it. */}}
{{- define "vae-train.coordinatorHost" -}}
{{ include "vae-train.fullname" . }}-coordinator.{{ .Release.Namespace }}.svc.{{ .Values.clusterDomain }}
{{- end }}

{{- define "vae-train.coordinatorUrl" -}}
{{ include "vae-train.scheme" . }}://{{ include "vae-train.coordinatorHost" . }}:{{ .Values.ports.coordinator }}
{{- end }}

{{/* In a pod of the run, which has the token and the certificates. */}}
{{- define "vae-train.statusCommand" -}}
vaecluster status {{ include "vae-train.coordinatorUrl" . }} --token-file /etc/vaecluster/token/token
{{- if .Values.tls.enabled }} --tls-authorities /etc/vaecluster/tls/ca.crt
{{- if .Values.tls.requireClientCertificate }} --tls-certificate /etc/vaecluster/tls/tls.crt --tls-key /etc/vaecluster/tls/tls.key{{ end -}}
{{- end -}}
{{- end }}

{{- define "vae-train.runFolder" -}}
{{- if eq .Values.storage.type "s3" -}}/var/lib/vaecluster/runs{{- else -}}/runs{{- end -}}/{{ .Values.run | default .Release.Name }}
{{- end }}

{{/* The configuration as the program reads it: the values', and where checkpoints go. */}}
{{- define "vae-train.config" -}}
{{- $config := deepCopy (.Values.config | default (.Files.Get "files/run.yaml" | fromYaml)) -}}
{{- if eq .Values.storage.type "s3" -}}
{{- $s3 := dict -}}
{{- with .Values.storage.s3.endpoint }}{{ $_ := set $s3 "endpoint" . }}{{ end -}}
{{- with .Values.storage.s3.region }}{{ $_ := set $s3 "region" . }}{{ end -}}
{{- with .Values.storage.s3.pathStyle }}{{ $_ := set $s3 "path_style" . }}{{ end -}}
{{- $checkpoints := dict "storage" (printf "%s/%s" (trimSuffix "/" .Values.storage.s3.uri) (.Values.run | default .Release.Name)) -}}
{{- if $s3 }}{{ $_ := set $checkpoints "s3" $s3 }}{{ end -}}
{{- $config = mergeOverwrite $config (dict "checkpoints" $checkpoints) -}}
{{- end -}}
{{- toYaml $config -}}
{{- end }}

{{/* Slots of the run: those of the configuration, of the preset where it has its own, of the program. Given the configuration. */}}
{{- define "vae-train.slots" -}}
{{- $preset := (.model | default dict).preset | default "mnist" -}}
{{- (.train | default dict).slots | default (get (dict "sd" 4 "sd-published" 4) $preset | default 8) -}}
{{- end }}

{{/* A probe by gRPC health, where the kubelet can: not over TLS, and not before Kubernetes 1.24. Given (list root port ready). */}}
{{- define "vae-train.probe" -}}
{{- $root := index . 0 -}}
{{- $ready := index . 2 -}}
{{- if or $root.Values.tls.enabled (semverCompare "<1.24.0-0" $root.Capabilities.KubeVersion.Version) -}}
httpGet: {path: {{ ternary "/readyz" "/healthz" (ne $ready "") }}, port: metrics}
{{- else -}}
grpc: {port: {{ index . 1 }}{{ with $ready }}, service: {{ . }}{{ end }}}
{{- end }}
{{- end }}

{{- define "vae-train.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities: {drop: [ALL]}
{{- end }}

{{/* --option for a map of settings. */}}
{{- define "vae-train.options" -}}
{{- range $key, $value := . }}
- --option={{ $key }}={{ if kindIs "float64" $value }}{{ if eq (floor $value) $value }}{{ int64 $value }}{{ else }}{{ $value }}{{ end }}{{ else }}{{ $value }}{{ end }}
{{- end }}
{{- end }}

{{- define "vae-train.tlsOptions" -}}
{{- if .Values.tls.enabled }}
- --option=transport.tls.certificate=/etc/vaecluster/tls/tls.crt
- --option=transport.tls.key=/etc/vaecluster/tls/tls.key
- --option=transport.tls.authorities=/etc/vaecluster/tls/ca.crt
{{- if .Values.tls.requireClientCertificate }}
- --option=transport.tls.require_client_certificate=true
{{- end }}
{{- end }}
{{- end }}

{{/* What both roles mount beside their own. Given (list root role). */}}
{{- define "vae-train.mounts" -}}
{{- $root := index . 0 -}}
{{- $role := index $root.Values (index . 1) -}}
- {name: tmp, mountPath: /tmp}
- {name: token, mountPath: /etc/vaecluster/token, readOnly: true}
{{- if $root.Values.tls.enabled }}
- {name: tls, mountPath: /etc/vaecluster/tls, readOnly: true}
{{- end }}
{{- if ne $root.Values.storage.type "s3" }}
- name: runs
  mountPath: /runs
  {{- with $root.Values.storage.subPath }}
  subPath: {{ . | quote }}
  {{- end }}
{{- end }}
{{- if ne $root.Values.images.type "none" }}
- name: images
  mountPath: {{ $root.Values.images.mountPath }}
  readOnly: true
  {{- if eq $root.Values.images.type "claim" }}
  {{- with $root.Values.images.subPath }}
  subPath: {{ . | quote }}
  {{- end }}
  {{- end }}
{{- end }}
{{- with $role.extraVolumeMounts }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{- define "vae-train.volumes" -}}
{{- $root := index . 0 -}}
{{- $role := index $root.Values (index . 1) -}}
- name: token
  secret: {secretName: {{ include "vae-train.tokenSecret" $root }}, items: [{key: {{ $root.Values.token.key | quote }}, path: token}]}
{{- if $root.Values.tls.enabled }}
- {name: tls, secret: {secretName: {{ $root.Values.tls.existingSecret }}}}
{{- end }}
{{- if ne $root.Values.storage.type "s3" }}
- {name: runs, persistentVolumeClaim: {claimName: {{ include "vae-train.claim" $root }}}}
{{- end }}
{{- with $root.Values.images }}
{{- if eq .type "claim" }}
- {name: images, persistentVolumeClaim: {claimName: {{ .existingClaim }}, readOnly: true}}
{{- else if eq .type "hostPath" }}
- {name: images, hostPath: {path: {{ .hostPath | quote }}, type: Directory}}
{{- else if eq .type "s3" }}
- {name: images, emptyDir: {sizeLimit: {{ .s3.sizeLimit }}}}
{{- end }}
{{- end }}
{{- with $role.extraVolumes }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{/* Fetches the images where they are in a bucket. */}}
{{- define "vae-train.initContainers" -}}
{{- $root := index . 0 -}}
{{- $role := index $root.Values (index . 1) -}}
{{- with $root.Values.images }}
{{- if eq .type "s3" }}
- name: images
  image: {{ include "vae-train.image" $root }}
  imagePullPolicy: {{ $root.Values.image.pullPolicy }}
  args:
    - data
    - fetch
    - {{ .s3.uri | quote }}
    - {{ .mountPath | quote }}
    {{- with .s3.endpoint }}
    - --endpoint={{ . }}
    {{- end }}
    {{- with .s3.region }}
    - --region={{ . }}
    {{- end }}
    {{- if .s3.pathStyle }}
    - --path-style
    {{- end }}
  {{- with .s3.existingSecret }}
  envFrom: [{secretRef: {name: {{ . }}}}]
  {{- end }}
  securityContext:
    {{- include "vae-train.containerSecurity" $root | nindent 4 }}
  resources:
    {{- toYaml .s3.resources | nindent 4 }}
  volumeMounts:
    - {name: tmp, mountPath: /tmp}
    - {name: images, mountPath: {{ .mountPath }}}
{{- end }}
{{- end }}
{{- with $role.extraInitContainers }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{- define "vae-train.envFrom" -}}
{{- $root := index . 0 -}}
{{- $role := index $root.Values (index . 1) -}}
{{- if eq $root.Values.storage.type "s3" }}
{{- with $root.Values.storage.s3.existingSecret }}
- secretRef: {name: {{ . }}}
{{- end }}
{{- end }}
{{- with $role.extraEnvFrom }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{/* Where a pod may run. */}}
{{- define "vae-train.placement" -}}
{{- $root := index . 0 -}}
{{- $role := index $root.Values (index . 1) -}}
{{- with $root.Values.schedulerName }}
schedulerName: {{ . }}
{{- end }}
{{- with $role.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- with $role.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $role.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $role.affinity }}
affinity:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $root.Values.image.pullSecrets }}
imagePullSecrets:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{/* What the schema can't say. */}}
{{- define "vae-train.check" -}}
{{- if not (regexMatch "^[a-z]" (include "vae-train.fullname" .)) -}}
{{- fail (printf "The objects' names would begin with %s, and a Service's begins with a letter: set fullnameOverride." (include "vae-train.fullname" .)) -}}
{{- end -}}
{{- if and (not .Values.autoscaling.enabled) (gt (int .Values.coordinator.minMembers) (int .Values.worker.replicas)) (gt (int .Values.worker.replicas) 0) -}}
{{- fail (printf "coordinator.minMembers is %d and worker.replicas %d: the first plan would wait forever. Ask for more workers, or wait for fewer." (int .Values.coordinator.minMembers) (int .Values.worker.replicas)) -}}
{{- end -}}
{{- if .Values.autoscaling.enabled -}}
{{- if gt (int .Values.autoscaling.minReplicas) (int .Values.autoscaling.maxReplicas) -}}
{{- fail (printf "autoscaling.minReplicas is %d, above autoscaling.maxReplicas, %d." (int .Values.autoscaling.minReplicas) (int .Values.autoscaling.maxReplicas)) -}}
{{- end -}}
{{- if gt (int .Values.coordinator.minMembers) (int .Values.autoscaling.maxReplicas) -}}
{{- fail (printf "coordinator.minMembers is %d, above autoscaling.maxReplicas, %d: the first plan would wait forever." (int .Values.coordinator.minMembers) (int .Values.autoscaling.maxReplicas)) -}}
{{- end -}}
{{- end -}}
{{- range $role := list "coordinator" "worker" -}}
{{- if eq (int (index $.Values.ports $role)) (int $.Values.ports.metrics) -}}
{{- fail (printf "ports.%s and ports.metrics are both %d: one process listens on both, so give them two ports." $role (int $.Values.ports.metrics)) -}}
{{- end -}}
{{- end -}}
{{- with (.Values.config | default dict).checkpoints -}}
{{- if or .storage (compact (values (.s3 | default dict))) -}}
{{- fail "config.checkpoints.storage and config.checkpoints.s3 are the chart's: storage.type and storage.s3 say where checkpoints go." -}}
{{- end -}}
{{- end -}}
{{- $train := (include "vae-train.config" . | fromYaml).train | default dict -}}
{{- if and (hasKey $train "batch") (hasKey $train "slots") -}}
{{- if lt (int $train.batch) (int $train.slots) -}}
{{- fail (printf "config.train.batch is %d, below config.train.slots, %d: each slot needs a sample." (int $train.batch) (int $train.slots)) -}}
{{- end -}}
{{- end -}}
{{- end }}
