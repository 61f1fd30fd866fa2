//! `POST /suite-api/api/fleet-management/iam/saml-metadata/validate`: checks the metadata of a SAML provider.

use std::time::SystemTime;

use bytes::Bytes;
use http::{Method, Request, Response};
use serde::{Deserialize, Serialize};

use super::validate::{as_pem, is_encoded_xml};
use crate::certificate::Form;
use crate::change::{Check, Checked, Extra, is_web_url, lenient};
use crate::error::{FieldError, Result};
use crate::fleet::api::{Fleet, IAM, JSON};
use crate::retry::Repeat;
use crate::upstream::{Endpoint, is_uuid, json, read_shown, with_body};

/// SAML metadata to check (the vendor's `SamlXmlMetadata`).
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[cfg_attr(feature = "contract", derive(schemars::JsonSchema), schemars(extend("required" = ["vidbResourceId", "metadata"])))]
pub struct SamlMetadata {
    /// The identity broker that reads it: the realm's `vidbResourceId`. Required.
    #[serde(deserialize_with = "lenient::text", skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "contract", schemars(required))]
    pub vidb_resource_id: Option<String>,
    /// Its URL, or the base64 of the XML document. Required.
    #[serde(deserialize_with = "lenient::text", skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "contract", schemars(required))]
    pub metadata: Option<String>,
    /// The PEM text of certificates to trust when the URL is read; 9.1.1 and later.
    #[serde(deserialize_with = "lenient::text", skip_serializing_if = "Option::is_none")]
    pub certificate: Option<String>,
    /// Unknown fields.
    #[serde(flatten)]
    pub extra: Extra,
}

/// The content of valid SAML metadata (the vendor's `SamlMetadataValidationResponse`).
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[cfg_attr(feature = "contract", derive(schemars::JsonSchema))]
pub struct SamlMetadataContent {
    /// The formats of the name id, each with the broker's attribute: `nameIdFormat` and `nameIdValue`.
    #[serde(deserialize_with = "lenient::objects", skip_serializing_if = "Option::is_none")]
    pub name_id_format_attribute_mappings: Option<Vec<Extra>>,
    /// The preferred binding, a URN.
    #[serde(deserialize_with = "lenient::text", skip_serializing_if = "Option::is_none")]
    pub preferred_binding: Option<String>,
    /// Unknown fields.
    #[serde(flatten)]
    pub extra: Extra,
}

impl Checked<SamlMetadata> {
    /// Checks metadata to send, at the time `now`.
    ///
    /// # Errors
    /// Every missing or wrong field, by its JSON Pointer.
    pub(crate) fn to_check(mut spec: SamlMetadata, now: SystemTime) -> Result<Self, Vec<FieldError>> {
        let mut check = Check::new(Form::Pem, now);
        let known = [
            ("vidbResourceId", spec.vidb_resource_id.is_some()),
            ("metadata", spec.metadata.is_some()),
            ("certificate", spec.certificate.is_some()),
        ];
        check.names("", &spec.extra, &known);
        if check.text("/vidbResourceId", spec.vidb_resource_id.as_ref()).is_some_and(|id| !is_uuid(id)) {
            check.wrong("/vidbResourceId", "must be a UUID: the vidbResourceId of a realm in GET …/identity-providers");
        }
        if check
            .text("/metadata", spec.metadata.as_ref())
            .is_some_and(|text| !is_web_url(text) && !is_encoded_xml(text))
        {
            let detail =
                "must be a URL, or the base64 of an XML document: send the output of `base64 -w0 metadata.xml`";
            check.wrong("/metadata", detail);
        }
        if let Some(certificate) = &spec.certificate {
            check.certificates(vec![("/certificate".to_owned(), certificate)]);
        }
        check.done().map(|certificates| {
            as_pem(spec.certificate.iter_mut());
            Self::new(spec, certificates)
        })
    }
}

/// `POST …/iam/saml-metadata/validate` (VCF Operations API 9.1, "IAM APIs", validateSamlMetadata)
#[derive(Debug)]
pub(super) struct ValidateSamlMetadata<'a> {
    pub(super) spec: &'a SamlMetadata,
}

impl Endpoint for ValidateSamlMetadata<'_> {
    type Api = Fleet;
    type Response = SamlMetadataContent;
    const CALL: &'static str = "POST /suite-api/api/fleet-management/iam/saml-metadata/validate";
    // It changes nothing.
    const REPEAT: Repeat = Repeat::Always;

    fn request(&self, (): &()) -> Result<Request<Bytes>> {
        with_body(Method::POST, &format!("{IAM}/saml-metadata/validate"), JSON, JSON, json(self.spec)?)
    }

    fn response(&self, answer: Response<Bytes>) -> Result<SamlMetadataContent> {
        read_shown(Self::CALL, &answer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fleet::testing::{answer, sent};

    const BROKER: &str = "14e95251-8149-44ca-beee-4c943484ecfd";

    fn faults(json: &serde_json::Value) -> Vec<String> {
        let spec = serde_json::from_value(json.clone()).unwrap();
        let faults = Checked::<SamlMetadata>::to_check(spec, SystemTime::UNIX_EPOCH).err().unwrap_or_default();
        faults.into_iter().map(|fault| fault.pointer).collect()
    }

    #[test]
    fn metadata_is_sent_and_the_result_read() {
        let json = format!(r#"{{"vidbResourceId":"{BROKER}","metadata":"https://dev-okta.com/saml"}}"#);
        let spec = serde_json::from_str(&json).unwrap();
        let validate = ValidateSamlMetadata { spec: &spec };
        assert_eq!(
            sent(&validate),
            format!(
                "POST /suite-api/api/fleet-management/iam/saml-metadata/validate\n\
                 accept: application/json\ncontent-type: application/json\n\n{json}"
            )
        );
        let body = r#"{"nameIdFormatAttributeMappings":[{"nameIdFormat":"urn:x","nameIdValue":"userName"}],"preferredBinding":"urn:y"}"#;
        let content = validate.response(answer(200, body)).unwrap();
        assert_eq!(serde_json::to_string(&content).unwrap(), body);
    }

    #[test]
    fn all_faults_are_reported_together() {
        assert_eq!(faults(&serde_json::json!({})), ["/vidbResourceId", "/metadata"]);
        let wrong = serde_json::json!({"vidbResourceId": "x", "metadata": "<x/>", "certificate": "x", "metaData": 1});
        assert_eq!(faults(&wrong), ["/metaData", "/vidbResourceId", "/metadata", "/certificate"]);
        for metadata in ["https://h/saml", "PEVudGl0eURlc2NyaXB0b3IvPg=="] {
            assert_eq!(
                faults(&serde_json::json!({"vidbResourceId": BROKER, "metadata": metadata})),
                [""; 0],
                "{metadata}"
            );
        }
    }
}
