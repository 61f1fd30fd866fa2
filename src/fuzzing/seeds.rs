//! Inputs to begin with: the fixtures of the tests, and messages for which there are none.

/// The bytes of these files of `tests/fixtures`, and these texts.
macro_rules! seeds {
    ($($file:literal),* $(; $($text:expr),*)?) => {
        &[$(include_bytes!(concat!("../../tests/fixtures/", $file)),)* $($($text,)*)?]
    };
}

type Seeds = &'static [&'static [u8]];

pub(super) const EXCHANGES: Seeds = seeds![
    ;
    br##"GET /vidm/default/v1/directories
%%
{"items": [{"directoryId": "66666666-7777-4888-8999-000000000002", "name": "corp.example", "type": "ACTIVE_DIRECTORY_LDAP"}]}"##,
    br##"POST /vidm/default/v1/directories/corp.example/syncs
content-type: application/json
prefer: wait=5

{"groups": ["CN=app,OU=Groups,DC=corp,DC=example"]}
%%
{"items": [{"directoryId": "66666666-7777-4888-8999-000000000002", "name": "corp.example"}]}
%%
{"syncStatus": {"status": "COMPLETED", "startTime": 1700000000000}}
%%
200
{}
%%
{"syncStatus": {"status": "RUNNING"}}
%%
{"status": "COMPLETED"}
%%
{"totalResults": 1, "Resources": [{"id": "g", "displayName": "app"}]}"##,
    br##"GET /vidm/default/v1/groups?name=app@corp.example
%%
{"totalResults": 1, "Resources": [{"id": "g1", "displayName": "app@corp.example"}]}"##,
    br##"GET /vidm/default/v1/directories
%%
500
{"errors": [{"code": "x", "message": "you sent vidm-Passw0rd-1"}]}
%%
500
{}
%%
503
busy"##,
    br##"GET /vcf/default/v1/identity-providers
%%
{"elements": [{"id": "p", "type": "Embedded", "name": "Embedded IDP", "identitySources": []}]}"##,
    br##"PUT /vcf/default/v1/identity-providers/embedded/identity-sources/corp.example

{"name": "corp.example", "ldap": {"type": "ActiveDirectory", "domainName": "corp.example", "username": "u", "password": "p", "sourceDetails": {"usersBaseDn": "CN=Users,DC=corp,DC=example", "groupsBaseDn": "DC=corp,DC=example", "serverEndpoints": ["ldap://dc"]}}}
%%
{"elements": [{"id": "p", "type": "Embedded"}]}
%%
400
{"errorCode": "X", "message": "vcf-Passw0rd-2"}"##,
    br##"GET /vcf/default/v1/doctor
%%
403
<html><title>Sign in</title>"##,
    br##"GET /fleet/default/v1/directories
%%
{"releaseName": "VCF Operations 9.1.0", "major": 9, "minor": 1, "minorMinor": 0}
%%
{"ssoRealms": [{"id": "r", "name": "USA", "idpId": "a1b2c3d4-0000-4000-8000-000000000001"}]}
%%
{"ldapDirectories": [{"ldapConfigurationId": "828ad4fc-cd8a-4f44-b5bc-adb568d67d1c", "name": "corp", "domains": ["corp.example"]}]}"##,
    br##"POST /vcf/default/v1/tokens

{"username": "u", "password": "key-with-all-scopes"}"##,
    br##"GET /metrics
accept: text/plain"##,
    br##"GET /readyz"##,
    br##"OPTIONS /vidm/default/v1/syncs"##,
    br##"HEAD /"##,
    br##"POST /vidm/default/v1/syncs
idempotency-key: "k1"

{"directory": "corp.example", "dryRun": "true"}
%%
{"items": []}"##,
    br##"DELETE /vcf/default/v1/identity-providers/p?absent=ok
if-match: "x"
%%
404
{"errorCode": "IDENTITY_PROVIDER_NOT_FOUND"}"##
];

pub(super) const RECORDS: Seeds = seeds![
    ;
    br##"GET /vidm/default/v1/directories/corp.example/syncs/latest
%%
{"rejected": 1}
%%
[]
%%
{}"##,
    br##"GET /vidm/default/v1/directories/corp.example/sync
%%
{}"##,
    br##"POST /vidm/default/v1/directories/corp.example/syncs
idempotency-key: k

{}
%%
abc 1 1795168900000 200
content-type: application/json

{}
%%
{}
%%
{}"##,
    br##"GET /vidm/default/v1/directories
%%
HZN t1 1795172400000
%%
[{"directoryId": "66666666-7777-4888-8999-000000000002", "name": "corp.example"}]"##,
    br##"POST /vidm/default/v1/advance
%%
{}
%%
{}"##,
    b"GET /metrics\n%%\n\x01\x00",
    br##"GET /vcf/default/v1/identity-providers
%%
{"status": 401, "at": 1}"##,
    br##"GET /vidm/default/v1/doctor
%%
{"attempts": 2}"##,
    b"POST /vidm/default/v1/directories/corp.example/syncs\n\n{}\n%%\n\x01\0\0\0\0\0\0\0\x01\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0{}\n%%\n\x01\0\0\0\0\0\0\0\x02\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0{}"
];

pub(super) const PATHS: Seeds = seeds![
    ;
    b"/",
    b"/healthz",
    b"/vidm/default/v1/directories/corp.example/syncs",
    b"/vcf/default/v1/identity-providers/a%2Fb/identity-sources/corp%2520x.example",
    b"/vidm/%2E%2E/v1/directories",
    b"/vidm/${target}/v1/directories/%24%7Bx%7D/",
    b"/fleet/nine/v1/identity-providers/p/directories/d/sync-client",
    b"/hooks/app",
    b"/vidm/%FF/v1/directories"
];

pub(super) const QUERIES: Seeds = seeds![
    ;
    b"name=a&type=b+c",
    b"dryRun=true&force=false",
    b"dryrun=true&dry%52un=true",
    b"running=202&&",
    b"name={{ x }}&dn=CN%3Da",
    b"staleAfter=2h&",
    b"=1&x",
    b"replace=true&confirm=NAME&dryRun=1"
];

pub(super) const HEADERS: Seeds = seeds![
    ;
    b"prefer: wait=30; q, respond-async",
    b"accept: text/event-stream;q=1",
    b"retry-after: Sun, 06 Nov 1994 08:50:37 GMT\ndate: Sun, 06 Nov 1994 08:49:37 GMT",
    b"retry-after: 1.5",
    b"if-match: \"abc\", W/\"d\"",
    b"if-match: *",
    b"idempotency-key: \"a\\\\b\";p=1",
    b"traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
    b"spin-client-addr: [2001:db8::1]:443",
    b"spin-raw-component-route: /a/...\nspin-path-info: /b/c",
    b"webhook-id: msg_1\nwebhook-signature: v1,x",
    b"x-github-delivery: 72d3162e"
];

pub(super) const BODIES: Seeds = seeds![
    ;
    b"POST /vidm/default/v1/syncs\ncontent-type: application/json\n\n{\"directory\": \"corp.example\", \"groups\": [\"a@corp.example\"], \"dryRun\": \"true\", \"customProperties\": {\"groups\": \"[\\\"x\\\"]\"}}",
    b"POST /vidm/default/v1/syncs\ncontent-type: application/x-www-form-urlencoded\n\ndirectory=corp.example&groups=a%40corp.example&groups=b%40corp.example",
    b"POST /vidm/default/v1/syncs\ncontent-type: application/x-www-form-urlencoded\n\npayload=%7B%22directory%22%3A%22corp.example%22%7D&ref=1",
    b"POST /vidm/default/v1/syncs\ncontent-type: application/json\nce-specversion: 1.0\nce-id: a%20b\nce-source: /x\nce-type: t\nidempotency-key: \"k\"\n\n{\"directory\": \"corp.example\"}",
    b"POST /vidm/default/v1/syncs\ncontent-type: application/cloudevents+json; charset=utf-8\n\n{\"specversion\": \"1.0\", \"id\": \"1\", \"source\": \"/x\", \"type\": \"t\", \"datacontenttype\": \"application/json\", \"data_base64\": \"eyJkaXJlY3RvcnkiOiAiY29ycC5leGFtcGxlIn0=\"}",
    b"POST /vidm/default/v1/directories/${dir}/syncs?dryrun=1\ncontent-type: text/plain; charset=ISO-8859-1\ncontent-encoding: gzip\n\n{\"directory\": {{ x }}}",
    b"PUT /vcf/default/v1/identity-providers\n\n{\"name\": \"x\", \"type\": \"Microsoft ADFS\", \"oidcSpec\": {\"clientId\": \"c\", \"clientSecret\": \"s\"}, \"certChain\": [\"-----BEGIN\"]}",
    b"GET /vidm/default/v1/groups?name=a%40b&name=c\n"
];

pub(super) const JSON: Seeds = seeds![
    "callers/n8n.json",
    "callers/ansible.json",
    "callers/servicenow.json",
    "callers/servicenow-unresolved.json",
    "callers/aria-event.json",
    "callers/aria-resource.json",
    "callers/event-broker.json",
    "callers/github-push.json",
    "callers/gitlab-push.json",
    "callers/powershell-bom.json",
    "vidm/directories.json";
    b"{\"a\": 1, \"a\": 2}",
    b"[1e400, -0, 12345678901234567890123, 1.50]",
    b"{\"$serde_json::private::Number\": \"1\"}",
    b"\"\\ud83d\\ude00\"",
    b"[[[[[[[[[[]]]]]]]]]]",
    b"{\"flag\": ${x}}"
];

pub(super) const EVENTS: Seeds = seeds![
    "callers/event.structured.json",
    "callers/event.data.json",
    "callers/event-broker.json";
    b"{\"specversion\": \"1.0\", \"id\": \"1\", \"source\": \"s\", \"type\": \"t\", \"data\": {\"directory\": \"corp.example\"}}",
    b"{\"specversion\": \"1.0\", \"id\": \"1\", \"source\": \"s\", \"type\": \"t\", \"data\": \"{\\\"a\\\": 1}\", \"datacontenttype\": \"text/plain\"}",
    b"{\"specversion\": \"1.0\", \"id\": \"1\", \"source\": \"s\", \"type\": \"t\", \"data_base64\": \"e30=\", \"datacontenttype\": \"application/x-www-form-urlencoded\"}"
];

pub(super) const SIGNATURES: Seeds = seeds![
    ;
    b"POST /x\nx-hub-signature-256: sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17\n\nHello, World!",
    b"POST /x\nx-hub-signature: sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17\n\nHello, World!",
    b"POST /x\nx-gitlab-token: a gitlab token that is long\n\n{}",
    b"POST /x\nwebhook-id: msg_1\nwebhook-timestamp: 1795168800\nwebhook-signature: v1,AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA= v1,x\n\n{}",
    b"GET /x\nsvix-id: msg_1\nsvix-timestamp: 1795168800\nsvix-signature: v1,AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n\n",
    b"DELETE /x\nwebhook-signature: v1a,x\nwebhook-id: a.b\n\n"
];

pub(super) const SYNC_IDS: Seeds = seeds![
    ;
    b"BAAA",
    b"BQcHBwcHBwcHBwcHBwcHBwcjcGxhY2U",
    b"\x00\x0ccorp.example\x00\x00\xfb\xd0\xd8\x94\xbc1\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00",
    b"\x01$66666666-7777-4888-8999-000000000002\x00\x00\x01\x00\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00"
];

pub(super) const TOKENS: Seeds = seeds![
    "oidc/rs256.jwt",
    "oidc/es256.jwt";
    b"eyJhbGciOiJub25lIn0.eyJpc3MiOiJhIiwiZXhwIjoxMzAwODE5MzgwLCJhdWQiOlsiYSJdfQ.",
    b"eyJhbGciOiJSUzI1NiIsInR5cCI6ImF0K2p3dCIsImNyaXQiOlsiYSJdfQ.e30.AAAA"
];

pub(super) const KEY_SETS: Seeds = seeds![
    "oidc/keys.json";
    b"{\"keys\": [{\"kty\": \"oct\", \"k\": \"AAAA\"}, {\"kty\": \"EC\", \"crv\": \"P-384\"}, {\"kty\": \"RSA\", \"use\": \"enc\", \"n\": \"AQAB\", \"e\": \"AQAB\"}]}"
];

pub(super) const SEALED: Seeds = seeds![
    ;
    b"\x01abcdefghijklmnopqrstuvwxciphertext-and-tag",
    b"\x01\x00\x00\x00\x00\x00\x00\x00\x05\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00{\"head\": null}",
    b"text"
];

pub(super) const REPLAYED: Seeds = seeds![
    ;
    b"abc 1 1795168900000 200\ncontent-type: application/json\netag: \"x\"\n\n{}",
    b"- 0 0 0\n",
    b"abc 7 1795168900000 204\n\n"
];

pub(super) const VIDM_DIRECTORIES: Seeds = seeds![
    "vidm/directories.json",
    "vidm/domains.json",
    "vidm/health.json",
    "vidm/error_forbidden.json";
    b"[{\"directoryId\": \"d\", \"id\": 7, \"syncable\": \"x\", \"deleteInProgress\": \"true\", \"bindPassword\": \"x\"}]",
    b"<html><title>Sign in: Secret-of-the-target-1</title>",
    b"{\"errors\": [{\"code\": \"a\", \"message\": \"Secret-of-the-target-1\"}, {\"message\": \"then\"}]}"
];

pub(super) const VIDM_REPORTS: Seeds = seeds![
    "vidm/sync_state_log.json",
    "vidm/sync_state_wrapper.json",
    "vidm/sync_executions.json";
    b"RUNNING",
    b"\"Completed\"",
    b"{\"syncDetails\": {\"usersAdded\": \"3\"}, \"success\": false, \"message\": \"safeguard threshold\", \"timeStamp\": \"2026-01-01T00:00:00+02:00\"}"
];

pub(super) const VIDM_SCIM: Seeds = seeds![
    "vidm/groups.json";
    b"{\"totalResults\": \"2\", \"Resources\": [{\"id\": \"u1\", \"userName\": \"jdoe\", \"urn:scim:schemas:extension:workspace:1.0\": {\"domain\": \"corp.example\", \"userPrincipalName\": \"jdoe@corp.example\"}}, {}]}"
];

pub(super) const VIDM_LOGINS: Seeds =
    seeds!["vidm/login_oauth.json", "vidm/login_system.json", "vidm/login_system.xml", "vidm/error_oauth.json"];

pub(super) const VIDM_PROFILES: Seeds = seeds!["vidm/sync_profile.json", "vidm/directory_groups.json"];

pub(super) const VCF_PROVIDERS: Seeds = seeds![
    "vcf/identity-providers.answer.json",
    "vcf/identity-provider-federated.answer.json",
    "vcf/identity-provider-adfs.answer.json",
    "vcf/error.answer.json",
    "vcf/error-response.answer.json"
];

pub(super) const VCF_TOKENS: Seeds =
    seeds!["vcf/tokens.answer.json", "vcf/refresh.answer.txt", "vcf/login-refused.answer.json"];

pub(super) const VCF_ANSWERS: Seeds = seeds![
    "vcf/precheck.answer.json",
    "vcf/precheck-5.1.answer.json",
    "vcf/roles.answer.json",
    "vcf/sddc-manager-oidc.answer.json",
    "vcf/sso-domain-entities.answer.json",
    "vcf/sso-domains.answer.json",
    "vcf/sync-client.answer.json",
    "vcf/users.answer.json",
    "vcf/wsas.answer.json",
    "vcf/identity-provider-added.answer.txt",
    "vcf/identity-source-added.answer.txt";
    b"{\"elements\": [{\"id\": \"s\", \"fqdn\": \"sddc\", \"version\": \"5.2.1.0-1\", \"domain\": {\"id\": \"d\", \"name\": \"m\"}}]}"
];

pub(super) const FLEET_DIRECTORIES: Seeds = seeds![
    ;
    b"{\"ldapDirectories\": [{\"ldapConfigurationId\": \"828ad4fc-cd8a-4f44-b5bc-adb568d67d1c\", \"name\": \"corp\", \"domains\": [\"corp.example\"], \"setupStatus\": \"COMPLETED\", \"lastSyncStatus\": \"COMPLETED\", \"lastSyncDateTime\": 1700000000000, \"numberOfUsers\": 3}]}",
    b"{\"ssoRealms\": [{\"id\": \"r\", \"name\": \"USA\", \"idpId\": \"p\", \"vidbResourceId\": \"v\"}]}"
];

pub(super) const FLEET_SYNC_LOGS: Seeds = seeds![
    ;
    b"{\"syncLogs\": [{\"id\": \"1\", \"syncResult\": \"FAILED\", \"success\": false, \"syncResultMessageKey\": \"ldap.server.unreachable\", \"timeStamp\": 1700000005000, \"syncDetails\": {\"usersAdded\": 1, \"groupsAdded\": 2, \"syncEndTime\": 1700000000000}}]}",
    b"{\"syncStatus\": \"IN_PROGRESS\"}"
];

pub(super) const FLEET_PROVIDERS: Seeds = seeds![
    "fleet/identity-provider.answer.json",
    "fleet/identity-provider-requests.json";
    b"{\"id\": \"t\", \"status\": \"FAILED\", \"messages\": [\"x\"]}",
    b"{\"scimClientDetails\": {\"clientId\": \"c\"}, \"accessTokenDetails\": {\"accessToken\": \"a\", \"expiresIn\": 7}}"
];

pub(super) const FLEET_LOGINS: Seeds = seeds![
    ;
    b"{\"token\": \"t::1\", \"validity\": 1795190400000, \"expiresAt\": \"x\", \"roles\": []}",
    b"{\"access_token\": \"a\", \"expires_in\": 1800, \"token_type\": \"Bearer\"}",
    b"{\"wellKnownUrl\": \"https://vidb.corp.example/acs/.well-known/openid-configuration\"}"
];

pub(super) const FLEET_ANSWERS: Seeds = seeds![
    "fleet/sync_profile.json",
    "fleet/directory_groups.json";
    b"{\"vidbGroups\": [{\"groupId\": \"g\", \"groupName\": \"a\", \"displayName\": \"a\", \"domainName\": \"corp.example\", \"roles\": []}], \"pageInfo\": {\"totalCount\": 1}}",
    b"{\"vidbUsers\": [{\"userId\": \"u\", \"userName\": \"a\", \"domainName\": \"corp.example\"}]}",
    b"{\"releaseName\": \"VCF Operations 9.1.0\", \"major\": 9, \"minor\": 1, \"minorMinor\": 0}",
    b"{\"status\": \"ONLINE\", \"systemTime\": 1}"
];

pub(super) const ADDRESSES: Seeds = seeds![
    ;
    b"https://vidm.example:8443/",
    b"http://[::1]:80",
    b"https://a.example./x?y",
    b"bb65e41c-e00d-4d74-b417-db72df6024f9",
    b"..",
    b"a%2Fb"
];

pub(super) const NAMES: Seeds = seeds![
    ;
    b"CN=app,OU=Groups,DC=corp,DC=example",
    b"app@corp.example",
    b"CN=a\\, \"b\",DC=corp",
    b"\xc3\xbc@corp.example",
    b"jdoe@corp.example; asmith@corp.example",
    b"a\"b\\c@corp.example",
    b"66666666-7777-4888-8999-000000000002",
    b"CORP\\app"
];

pub(super) const DNS: Seeds = seeds![
    ;
    b"CN=a\\, b,DC=corp\ncn=A\\2c b,dc=corp",
    b" CN = gg , OU=Groups,  DC=corp ",
    b"CN=\\C3\\A9t\\c3\\a9,DC=corp\nCN=\xc3\xa9t\xc3\xa9,DC=corp",
    b"CN=a+SN=b,0.9.2342.19200300.100.1.25=x",
    b"CN=\\ a\\ ,DC=b\\\\"
];

pub(super) const CERTIFICATES: Seeds = seeds![
    "vcf/chain.pem",
    "vcf/chain.p7b.pem",
    "vcf/expired.pem",
    "vcf/future.pem",
    "vcf/odd-name.pem",
    "vcf/version1.pem";
    b"-----BEGIN PRIVATE KEY-----\nMAA=\n-----END PRIVATE KEY-----"
];

pub(super) const CLIENT_CERTIFICATES: Seeds = seeds![
    "certificates/aria.pem",
    "certificates/plain.pem",
    "certificates/spiffe.pem",
    "vcf/version1.pem",
    "vcf/odd-name.pem";
    b":MIIB:",
    b"By=spiffe://a/b;Hash=8f;Cert=\"-----BEGIN%20CERTIFICATE-----%0AMIIB%0A-----END%20CERTIFICATE-----%0A\";Subject=\"CN=a,O=\\\"b\\\"\";URI=,By=c",
    b"-----BEGIN CERTIFICATE----- MIIB -----END CERTIFICATE-----"
];

pub(super) const REDACTION: Seeds = seeds![
    ;
    b"hunter2\nyou sent hunter2, aHVudGVyMg==, %68unter2 and {\"password\": \"hunter2\"}",
    b"two  blanks \"q\"\n{\"a\": \"two  blanks \\\"q\\\"\", \"clientSecret\": \"x\", \"key\": \"token\", \"value\": \"y\"}",
    b"p\xc3\xa4ssword\n{\"text\": \"{\\\"bindPassword\\\": \\\"p\\\"}\", \"n\": [1, true, \"&#112;\"]}",
    b"12345\n{\"n\": 12345}"
];

pub(super) const WORDS: Seeds = seeds![
    ;
    b"${resource.name} {{ x }} %NAME% $(x)",
    b"dryrun",
    b"idh_0000000000000000000000000000000000000000000000000",
    b"[object Object] <no value>\x0d\n\x00 a/b~c"
];

pub(super) const VARIABLES: Seeds = seeds![
    ;
    b"vidm_url=https://vidm.corp.example\nvidm_username=svc\nvidm_password=p\napi_keys=[{\"name\":\"ci\",\"sha256\":\"cf2017845143f9d7de3c287f401c8b0bbd7d06bff0562f16f49ad55bb5b950a5\",\"scopes\":[\"vidm:reed\"],\"targets\":[\"vidm/default\"],\"from\":[\"10.0.0.0/8\"],\"notAfter\":\"2027-01-01\"}]\nstate_key=[\"new key that is long enough\",\"old key that is long enough\"]",
    b"targets={\"vidm\":{\"prod\":{\"url\":\"https://a\",\"username\":\"u\",\"password\":\"p\"}},\"vcf\":{\"m\":{\"url\":\"https://b\",\"username\":\"u@v\",\"password\":\"p\"}}}\nhooks=[{\"name\":\"h\",\"target\":\"vidm/prod\",\"directory\":\"d\",\"origins\":[\"*\"]}]\ncallbacks=[{\"name\":\"c\",\"url\":\"https://x\",\"secret\":\"whsec_AAAA\"}]",
    b"webhook_secrets=[{\"name\":\"n8n\",\"scheme\":\"standard\",\"secrets\":[\"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\"],\"scopes\":[\"vidm:sync\"]}]\nvcf_url=https://v\nvcf_refresh_token=x\nrequest_timeout=60s\nlog_level=warn\nbase_path=/idhook\nclient_address_header=x-real-ip",
    b"oidc_callers=[{\"name\":\"gh\",\"issuer\":\"https://token.actions.githubusercontent.com\",\"audience\":\"a\",\"claims\":{\"repository\":\"acme/infra\"},\"scopes\":[\"vidm:sync\"]}]\nfleet_url=https://ops\nfleet_api_token=x\ngate=default\nrate_limit=5/s\nwatch_limit=10"
];
