//! `GET /SAAS/jersey/manager/api/connectormanagement/directoryconfigs/{directory}/domains`: a directory's domains.

use bytes::Bytes;
use http::{Method, Request, Response};
use serde_json::Value;

use super::api::Vidm;
use super::dialect::{Dialect, Media, Path};
use super::directories::read_items;
use crate::error::Result;
use crate::retry::Repeat;
use crate::upstream::{Endpoint, bare};

/// `GET /SAAS/jersey/manager/api/connectormanagement/directoryconfigs/{directory}/domains` (VMware's
/// PowerValidatedSolutions module)
///
/// The field with the domain's name is not documented, so every text of an item is returned, except blank ones.
#[derive(Debug)]
pub(crate) struct ListDomains<'a> {
    pub(crate) directory: &'a str,
}

impl Endpoint for ListDomains<'_> {
    type Api = Vidm;
    /// Every text of every item, none blank.
    type Response = Vec<String>;
    const CALL: &'static str = "GET /SAAS/jersey/manager/api/connectormanagement/directoryconfigs/{directory}/domains";
    const REPEAT: Repeat = Repeat::Always;

    fn request(&self, dialect: &Dialect) -> Result<Request<Bytes>> {
        let path = dialect.directory_path(Path::DirectoryDomains, self.directory)?;
        bare(Method::GET, &path, &dialect.media(Media::DirectoryDomains))
    }

    fn response(&self, answer: Response<Bytes>) -> Result<Vec<String>> {
        let mut texts = Vec::new();
        for item in read_items(Self::CALL, &answer)? {
            item.into_iter().filter(|(name, _)| name != "_links").for_each(|(_, value)| collect(value, &mut texts));
        }
        Ok(texts)
    }
}

fn collect(value: Value, texts: &mut Vec<String>) {
    match value {
        Value::String(text) if !text.trim().is_empty() => texts.push(text),
        Value::Array(values) => values.into_iter().for_each(|value| collect(value, texts)),
        Value::Object(map) => map.into_iter().for_each(|(_, value)| collect(value, texts)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vidm::tests::{answer, sent};

    #[test]
    fn request_is_encoded() {
        let expected = |base: &str, media: &str| {
            format!(
                "GET {base}/jersey/manager/api/connectormanagement/directoryconfigs/d-1/domains\naccept: {media}\n\n"
            )
        };
        let horizon = "application/vnd.vmware.horizon.manager.connector.management.directory.domain.list+json";
        let endpoint = ListDomains { directory: "d-1" };
        assert_eq!(sent(&endpoint, &Dialect::horizon()), expected("/SAAS", horizon));
        assert_eq!(sent(&endpoint, &Dialect::json().in_tenant(Some("t"))), expected("/SAAS/t/t", "application/json"));
    }

    #[test]
    fn all_texts_except_links_are_returned() {
        let body = include_str!("../../tests/fixtures/vidm/domains.json");
        let texts = ListDomains { directory: "d" }.response(answer(200, body)).unwrap();
        assert!(
            texts.contains(&"corp.example".to_owned()) && texts.contains(&"emea.corp.example".to_owned()),
            "{texts:?}"
        );
        assert!(!texts.iter().any(|text| text.contains("/SAAS/")), "{texts:?}");
        let body = r#"[{"domain": "", "names": [" ", "corp.example"]}]"#;
        assert_eq!(ListDomains { directory: "d" }.response(answer(200, body)).unwrap(), ["corp.example"]);
    }
}
