//! The planted credentials, in one place. They are worthless: only this simulator accepts them.
//!
//! The passwords contain characters that break naive encoding: a quote, an ampersand, a percent sign, a plus, a backslash, a
//! letter outside ASCII. All begin with `planted-`, so that tests can search for leaks.

/// vIDM: a local administrator (System Domain), for `system/login`.
pub const VIDM_USERNAME: &str = "svc-idhook";
/// The password of [`VIDM_USERNAME`].
pub const VIDM_PASSWORD: &str = "planted-vidm-\"q&a\"=50%25+\\é!";

/// vIDM: a local user who can log in but is not an administrator; management calls return 403 `forbidden`.
pub const VIDM_PLAIN_USERNAME: &str = "plain-user";
/// The password of [`VIDM_PLAIN_USERNAME`].
pub const VIDM_PLAIN_PASSWORD: &str = "planted-plain-'q'&10%+ß";

/// vIDM: an OAuth client with both grants, `client_credentials` and `password`.
pub const VIDM_CLIENT_ID: &str = "idhook.client@corp";
/// The secret of [`VIDM_CLIENT_ID`].
pub const VIDM_CLIENT_SECRET: &str = "planted-client-\"s&t\"=99%2B+\\ñ:/?";

/// vIDM: an OAuth client without the `password` grant.
pub const VIDM_LIMITED_CLIENT_ID: &str = "limited-client";
/// The secret of [`VIDM_LIMITED_CLIENT_ID`].
pub const VIDM_LIMITED_CLIENT_SECRET: &str = "planted-limited-&%+ø";

/// vIDM: an administrator with an Active Directory account: the password grant accepts it, `system/login` does not.
pub const VIDM_DOMAIN_USERNAME: &str = "svc-idhook-ad";
/// The password of [`VIDM_DOMAIN_USERNAME`].
pub const VIDM_DOMAIN_PASSWORD: &str = "planted-domain-\"w&x\"=1%20+\\ü";
/// The domain of [`VIDM_DOMAIN_USERNAME`].
pub const VIDM_DOMAIN: &str = "corp.example";

/// SDDC Manager: an administrator.
pub const SDDC_USERNAME: &str = "svc-idhook@vsphere.local";
/// The password of [`SDDC_USERNAME`].
pub const SDDC_PASSWORD: &str = "planted-sddc-\"y&z\"=7%2F+\\å";

/// VCF Operations: a local account with all rights.
pub const FLEET_USERNAME: &str = "svc-idhook-fleet";
/// The password of [`FLEET_USERNAME`].
pub const FLEET_PASSWORD: &str = "planted-fleet-\"b&c\"=30%2D+\\ö";

/// VCF Operations: a local account that may read identity objects and change none; changes return 403.
pub const FLEET_READER_USERNAME: &str = "reader-fleet";
/// The password of [`FLEET_READER_USERNAME`].
pub const FLEET_READER_PASSWORD: &str = "planted-reader-'d'&20%+ä";

/// VCF Operations: a local account without the right to see identity objects; each call returns 403.
pub const FLEET_PLAIN_USERNAME: &str = "plain-fleet";
/// The password of [`FLEET_PLAIN_USERNAME`].
pub const FLEET_PLAIN_PASSWORD: &str = "planted-plain-fleet-'q'&10%+ß";

/// VCF Operations: an account of the authentication source [`FLEET_AD_SOURCE`], with all rights.
pub const FLEET_AD_USERNAME: &str = "CORP\\svc-idhook";
/// The password of [`FLEET_AD_USERNAME`].
pub const FLEET_AD_PASSWORD: &str = "planted-fleet-ad-\"e&f\"=1%20+\\ü";
/// VCF Operations: the name of an Active Directory authentication source.
pub const FLEET_AD_SOURCE: &str = "Corp AD";

/// VCF Operations: an account of VCF single sign-on, which cannot acquire a session token.
pub const FLEET_SSO_USERNAME: &str = "ada@corp.example";

/// The identity broker: an API token with all rights.
pub const FLEET_API_TOKEN: &str = "planted-api-token-Zm9vYmFy/+=&%25";
/// The identity broker: an API token whose client has no role; each identity call returns 403.
pub const FLEET_PLAIN_API_TOKEN: &str = "planted-api-token-plain";
/// The identity broker: an expired API token.
pub const FLEET_EXPIRED_API_TOKEN: &str = "planted-api-token-expired";
