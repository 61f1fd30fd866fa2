#!/bin/sh
# Makes the identity provider of a realm in VCF Operations match a JSON file, through idhook: creates it, changes it, or leaves it alone.
# Needs curl and jq.
#
#   IDHOOK_URL=https://idhook.example IDHOOK_KEY=… LDAP_PASSWORD=… ./identity-provider.sh REALM identity-provider.json [--dry-run] [--force]
#
# Arguments    the realm (name or id), the file; the realm's id is not in the file, because it changes when VCF Operations is set up anew
# Environment  IDHOOK_KEY: a key with the scopes fleet:read and fleet:write
#              LDAP_PASSWORD: the password of the bind account in the file, which is never in the file
#              IDHOOK_TARGET (default), CURL_CA_BUNDLE (a private CA; curl's own variable)
# Exit code    0: the realm has the provider as wanted; what was done is on stdout. 1: anything else; what failed and how to fix it is on
#              stderr.
# sh -x would show the secrets. A key from a file often ends in a line break.
{ set +x; } 2>/dev/null
set -eu
: "${IDHOOK_URL:?}" "${IDHOOK_KEY:?}" "${LDAP_PASSWORD:?}" "${1:?the realm is missing}" "${2:?the JSON file is missing}"
IDHOOK_KEY=$(printf %s "$IDHOOK_KEY" | tr -d '\r\n')
realm=$1 file=$2 query=
shift 2
for option do
  case $option in
    --dry-run) query="$query&dryRun=true" ;;
    --force) query="$query&force=true" ;;
    *) echo "unknown option $option; use --dry-run or --force" >&2; exit 1 ;;
  esac
done
providers=${IDHOOK_URL%/}/fleet/${IDHOOK_TARGET:-default}/v1/identity-providers

# The key goes to curl through file descriptor 3, where no list of processes shows it; so does the password, through stdin. Prints the
# body; fails, with the reason, unless the status is 2xx.
call() {
  answer=$(curl -sS -K /dev/fd/3 --max-time 120 -w '\n%{http_code}' "$@" 3<<END
header = "Authorization: Bearer $IDHOOK_KEY"
END
  ) || { echo "idhook cannot be reached" >&2; exit 1; }
  status=${answer##*
}
  answer=${answer%
*}
  case $status in
    2*) printf '%s\n' "$answer" ;;
    3*) echo "IDHOOK_URL redirects ($status): use the address that it redirects to, often with https" >&2; exit 1 ;;
    *)
      # jq accepts an empty answer in silence. The detail names a single field itself.
      { [ "$answer" ] && printf '%s' "$answer" | jq -r '"\(.code): \(.detail)",
          (.errors // [] | select(length > 1)[] | "\(.pointer): \(.detail)"), (.hint // empty)' >&2 2>/dev/null; } ||
        printf 'idhook returned %s: %s\n' "$status" "$answer" >&2
      exit 1
      ;;
  esac
}

listed=$(call "$providers")
printf '%s' "$listed" | jq -e '.elements | arrays' >/dev/null 2>&1 ||
  { printf 'the answer is not idhook'"'"'s: %s\n' "$listed" >&2; exit 1; }
id=$(printf '%s' "$listed" | jq -er --arg realm "$realm" \
  '[.elements[].realm | select(.id == $realm or .name == $realm) | .id] | if length == 1 then .[0] else empty end') || {
  echo "VCF Operations does not have exactly one realm $realm; its realms are:" >&2
  printf '%s' "$listed" | jq -r '.elements[].realm | "\(.name // "(unnamed)") \(.id)"' >&2
  exit 1
}
body=$(jq --arg realm "$id" '.ssoRealmId = $realm
    | .provisioningConfig.ldapConfigurations[].ldapBindConfiguration.bindDnPassword = env.LDAP_PASSWORD' "$file")
outcome=$(printf '%s' "$body" | call -X PUT -H 'Content-Type: application/json' --data-binary @- "$providers${query:+?${query#&}}")
printf '%s' "$outcome" | jq -e '.outcome | IN("created", "updated", "unchanged")' >/dev/null 2>&1 ||
  { printf 'idhook returned no outcome: %s\n' "$outcome" >&2; exit 1; }
printf '%s\n' "$outcome"
printf '%s' "$outcome" | jq -e '.verified != false' >/dev/null ||
  { echo "VCF Operations accepted the change, but does not show it: see remaining and message" >&2; exit 1; }
