//! The settings of OpenID Connect and SAML.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::{Kind, secret, word};
use crate::change::{Check, is_web_url};
use crate::fleet::provider::model::{IdpConfig, OidcConfiguration, SamlConfiguration};

pub(super) fn check_config(check: &mut Check, kind: Kind<'_>, config: Option<&IdpConfig>) {
    let (oidc, saml) = config.map_or((None, None), |config| {
        check.names(
            "/idpConfig",
            &config.extra,
            &[
                ("oidcConfiguration", config.oidc_configuration.is_some()),
                ("samlConfiguration", config.saml_configuration.is_some()),
            ],
        );
        (config.oidc_configuration.as_ref(), config.saml_configuration.as_ref())
    });
    for (protocol, at, is_given) in [
        ("OIDC", "/idpConfig/oidcConfiguration", oidc.is_some()),
        ("SAML", "/idpConfig/samlConfiguration", saml.is_some()),
    ] {
        match kind.protocol {
            Some(used) if used == protocol && !is_given => {
                check.wrong(at, format!("is required with the idpProtocol {protocol}"));
            }
            Some(used) if used != protocol && is_given => {
                check.wrong(at, format!("belongs to the idpProtocol {protocol}, but this one is {used}; omit it"));
            }
            _ => {}
        }
    }
    if let Some(oidc) = oidc {
        oidc_configuration(check, "/idpConfig/oidcConfiguration", oidc);
    }
    if let Some(saml) = saml {
        saml_configuration(check, "/idpConfig/samlConfiguration", saml);
    }
}

fn oidc_configuration(check: &mut Check, at: &str, oidc: &OidcConfiguration) {
    check.names(
        at,
        &oidc.extra,
        &[
            ("discoveryEndpoint", oidc.discovery_endpoint.is_some()),
            ("clientId", oidc.client_id.is_some()),
            ("clientSecret", oidc.client_secret.is_some()),
            ("openIdUserIdentifierAttribute", oidc.open_id_user_identifier_attribute.is_some()),
            ("internalUserIdentifierAttribute", oidc.internal_user_identifier_attribute.is_some()),
        ],
    );
    let pointer = format!("{at}/discoveryEndpoint");
    if let Some(endpoint) = check.text(&pointer, oidc.discovery_endpoint.as_ref())
        && !is_web_url(endpoint)
    {
        check.wrong(pointer, "must be a URL such as https://host/.well-known/openid-configuration");
    }
    check.text(&format!("{at}/clientId"), oidc.client_id.as_ref());
    secret(check, &format!("{at}/clientSecret"), oidc.client_secret.as_ref());
}

fn saml_configuration(check: &mut Check, at: &str, saml: &SamlConfiguration) {
    check.names(
        at,
        &saml.extra,
        &[
            ("metadataSourceType", saml.metadata_source_type.is_some()),
            ("metadataUrl", saml.metadata_url.is_some()),
            ("metadataXml", saml.metadata_xml.is_some()),
            ("nameIdFormatType", saml.name_id_format_type.is_some()),
            ("nameIdAttributeMappings", saml.name_id_attribute_mappings.is_some()),
            ("authenticationContext", saml.authentication_context.is_some()),
        ],
    );
    let source = word(check, &format!("{at}/metadataSourceType"), saml.metadata_source_type.as_ref(), &["XML", "URL"]);
    match source {
        Some("URL") => {
            let pointer = format!("{at}/metadataUrl");
            if check.text(&pointer, saml.metadata_url.as_ref()).is_some_and(|url| !is_web_url(url)) {
                check.wrong(pointer, "must be a URL such as https://host/saml/metadata");
            }
        }
        Some(_) => {
            let pointer = format!("{at}/metadataXml");
            if check.text(&pointer, saml.metadata_xml.as_ref()).is_some_and(|text| !is_encoded_xml(text)) {
                check.wrong(
                    pointer,
                    "must be the base64 of an XML document: send the output of `base64 -w0 metadata.xml`",
                );
            }
        }
        None => {}
    }
    let pointer = format!("{at}/nameIdAttributeMappings");
    let Some(mappings) = check.given(&pointer, saml.name_id_attribute_mappings.as_ref()) else { return };
    if mappings.len() > 1 {
        check.wrong(pointer.as_str(), format!("has {} mappings, but VCF Operations accepts only one", mappings.len()));
    }
    for (index, mapping) in mappings.iter().enumerate() {
        check.text(&format!("{pointer}/{index}/idpAttribute"), mapping.idp_attribute.as_ref());
        check.text(&format!("{pointer}/{index}/vidbAttribute"), mapping.vidb_attribute.as_ref());
    }
}

/// Whether `text` is the base64 of an XML document.
pub(in crate::fleet::provider) fn is_encoded_xml(text: &str) -> bool {
    let packed: String = text.split_ascii_whitespace().collect();
    let xml = STANDARD.decode(packed).unwrap_or_default();
    xml.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&xml).trim_ascii_start().starts_with(b"<")
}
