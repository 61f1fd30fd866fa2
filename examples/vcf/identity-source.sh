#!/bin/sh
# Makes an identity source of SDDC Manager's embedded identity provider match a JSON file, through idhook: adds it, changes it, or leaves
# it alone. Needs curl and jq.
#
#   IDHOOK_URL=https://idhook.example IDHOOK_KEY=… LDAP_PASSWORD=… ./identity-source.sh identity-source.json [--dry-run] [--force | --password]
#
# Environment  IDHOOK_KEY: a key with the scopes vcf:read and vcf:write
#              LDAP_PASSWORD: the password of the account in the file, which is never in the file
#              IDHOOK_TARGET (default), CURL_CA_BUNDLE (a private CA; curl's own variable)
# Exit code    0: SDDC Manager has the source as wanted; what was done is on stdout. 1: anything else; what failed and what to do about it
#              is on stderr.
# sh -x would show the secrets. A key from a file often ends in a line break.
{ set +x; } 2>/dev/null
set -eu
: "${IDHOOK_URL:?}" "${IDHOOK_KEY:?}" "${LDAP_PASSWORD:?}" "${1:?the JSON file is missing}"
IDHOOK_KEY=$(printf %s "$IDHOOK_KEY" | tr -d '\r\n')
file=$1 query= rotate=
shift
for option do
  case $option in
    --dry-run) query="$query&dryRun=true" ;;
    --force) query="$query&force=true" ;;
    --password) rotate=1 ;;
    *) echo "unknown option $option; use --dry-run, --force or --password" >&2; exit 1 ;;
  esac
done
providers=${IDHOOK_URL%/}/vcf/${IDHOOK_TARGET:-default}/v1/identity-providers

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

domain=$(jq -er .ldap.domainName "$file") || { echo "$file has no ldap.domainName" >&2; exit 1; }
source=$providers/embedded/identity-sources/$domain
if [ "$rotate" ]; then
  outcome=$(jq -n '{password: env.LDAP_PASSWORD}' |
    call -X POST -H 'Content-Type: application/json' --data-binary @- "$source/credentials${query:+?${query#&}}")
else
  outcome=$(jq '.ldap.password = env.LDAP_PASSWORD' "$file" |
    call -X PUT -H 'Content-Type: application/json' --data-binary @- "$source${query:+?${query#&}}")
fi
printf '%s' "$outcome" | jq -e '.outcome | IN("created", "updated", "unchanged")' >/dev/null 2>&1 ||
  { printf 'idhook returned no outcome: %s\n' "$outcome" >&2; exit 1; }
printf '%s\n' "$outcome"
printf '%s' "$outcome" | jq -e '.verified != false' >/dev/null ||
  { echo "SDDC Manager accepted the change, but does not show it: see remaining and message" >&2; exit 1; }
