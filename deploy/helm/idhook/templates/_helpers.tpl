{{- define "idhook.labels" -}}
app.kubernetes.io/name: idhook
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ .Chart.Name }}-{{ .Chart.Version }}
{{- end }}

{{- define "idhook.executor" -}}
{{ .Values.executor.name | default .Release.Name }}
{{- end }}

{{- define "idhook.image" -}}
{{- $name := .Values.image.name | default (eq .Values.executor.kind "shim" | ternary "idhook-wasip2" "idhook") -}}
{{ .Values.image.registry }}/{{ $name }}:{{ .Values.image.tag | default .Chart.AppVersion }}
{{- end }}
