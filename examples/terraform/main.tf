# Syncs a directory of vIDM or VCF Operations at idhook during `terraform apply`, and fails the apply unless the sync succeeded in time and every
# group is present. See README.md beside this file.

terraform {
  required_version = ">= 1.5"
  required_providers {
    http = {
      source  = "hashicorp/http"
      version = ">= 3.4"
    }
  }
}

variable "idhook_url" {
  description = "Address of idhook: https://idhook.example"
  type        = string
}

variable "idhook_key" {
  description = "A key of idhook with the scopes vidm:read and vidm:sync (and vidm:profile for add_to_profile)."
  type        = string
  sensitive   = true
}

variable "idhook_target" {
  description = "Name of the vIDM target in idhook's configuration, or fleet/NAME for VCF Operations."
  type        = string
  default     = "default"
}

variable "idhook_ca" {
  description = "PEM text of the CA that issued idhook's certificate, if it is a private one: file(\"corp-ca.pem\")."
  type        = string
  default     = null
}

variable "directory" {
  description = "Id, name or domain of the directory."
  type        = string
}

variable "groups" {
  description = "Groups that must be present in the end: distinguished names, or name@domain."
  type        = list(string)
  default     = []
}

variable "add_to_profile" {
  description = "First add the groups (distinguished names) to the directory's sync profile."
  type        = bool
  default     = false
}

variable "timeout" {
  description = "Seconds until the sync must be final. At most idhook's variable wait_limit (default 300) and the timeouts of proxies in front of it."
  type        = number
  default     = 240

  validation {
    condition     = var.timeout >= 1 && var.timeout <= 3600
    error_message = "timeout must be from 1 to 3600 seconds."
  }
}

# Changes whenever there is something new to sync. Make your groups its input: what depends on it is read during the apply, not the plan.
resource "terraform_data" "groups" {
  input = { directory = var.directory, groups = var.groups }
}

# idhook holds the request until the sync is final or `timeout` is over. A repeated request joins the run that goes on.
data "http" "sync" {
  url                = "${trimsuffix(var.idhook_url, "/")}/${length(split("/", var.idhook_target)) > 1 ? var.idhook_target : "vidm/${var.idhook_target}"}/v1/syncs"
  method             = "POST"
  request_timeout_ms = (var.timeout + 30) * 1000
  ca_cert_pem        = var.idhook_ca

  request_headers = {
    Accept        = "application/json"
    Authorization = "Bearer ${var.idhook_key}"
    Content-Type  = "application/json"
    Prefer        = "wait=${var.timeout}"
  }

  request_body = jsonencode(merge(
    { directory = terraform_data.groups.output.directory, groups = terraform_data.groups.output.groups },
    var.add_to_profile ? { addToProfile = true } : {},
  ))

  lifecycle {
    # A wrong key, an unknown directory: `self.response_body` is a problem document. After 429 and 5xx (an idhook that cannot reach vIDM) the
    # provider shows no body: README.md beside this file says where to look.
    postcondition {
      condition = contains([200, 202], self.status_code)
      error_message = join("; ", compact([
        try("${jsondecode(self.response_body).code}: ${jsondecode(self.response_body).detail}", "idhook returned ${self.status_code}: ${self.response_body}"),
        try(join("; ", [for error in jsondecode(self.response_body).errors : "${error.pointer}: ${error.detail}"]), ""),
        try(jsondecode(self.response_body).hint, ""),
      ]))
    }

    postcondition {
      condition = !contains([200, 202], self.status_code) || try(jsondecode(self.response_body).status, "") == "succeeded"
      error_message = join(": ", compact([
        try(jsondecode(self.response_body).status == "failed" ? "the sync failed" : "sync_timeout: the sync is still ${jsondecode(self.response_body).status} after ${var.timeout} s", "the answer is not idhook's"),
        try(jsondecode(self.response_body).reason, ""),
        try(jsondecode(self.response_body).message, ""),
        try(jsondecode(self.response_body).hint, ""),
      ]))
    }

    postcondition {
      condition = try(jsondecode(self.response_body).status, "") != "succeeded" || length(setsubtract(
        terraform_data.groups.output.groups,
        [for group in try(jsondecode(self.response_body).groups, []) : group.requested if group.state == "present"],
      )) == 0
      error_message = "group_absent: the sync succeeded, but not all of these groups are present: ${join(", ", terraform_data.groups.output.groups)}"
    }
  }
}

output "sync" {
  description = "The final state: status, id, directory, groups, counts."
  value       = jsondecode(data.http.sync.response_body)
}
