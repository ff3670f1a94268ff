{{- define "armillary.image" -}}
{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}
{{- end }}

{{- define "armillary.labels" -}}
app.kubernetes.io/name: armillary
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- end }}

{{- define "armillary.environment" -}}
- { name: ARMILLARY_PUBLIC_URL, value: {{ .Values.publicUrl | quote }} }
- { name: ARMILLARY_ORGANIZATION_NAME, value: {{ .Values.organizationName | quote }} }
- { name: ARMILLARY_BEHIND_PROXY, value: "true" }
- { name: ARMILLARY_ALLOWED_HOSTS, value: {{ printf "%s-web" .Release.Name | quote }} }
- { name: ARMILLARY_SERVER_PROCESSES, value: {{ .Values.web.processes | quote }} }
{{- with .Values.archiveStore }}
- { name: ARMILLARY_ARCHIVE_STORE, value: {{ . | quote }} }
{{- end }}
{{- range $name, $value := .Values.settings }}
- { name: {{ $name }}, value: {{ $value | quote }} }
{{- end }}
{{- end }}

{{- define "armillary.addresses" -}}
{{- $web := printf "http://%s-web" .Release.Name }}
- { name: ARMILLARY_PORTAL_URL, value: {{ $web | quote }} }
- { name: ARMILLARY_CONFIGDB_URL, value: {{ printf "%s/configdb" $web | quote }} }
- { name: ARMILLARY_DOWNTIME_URL, value: {{ printf "%s/downtime" $web | quote }} }
- { name: ARMILLARY_ARCHIVE_URL, value: {{ printf "%s/archive" $web | quote }} }
{{- end }}
