//! Bodies that are not the API's own: pages of gateways, compressed and binary data, redirects.

use bytes::Bytes;
use http::HeaderValue;
use http::header::{CONTENT_ENCODING, CONTENT_TYPE, LOCATION};

use super::MAX_CODE;
use crate::error::excerpt;
use crate::redact::strike;
use crate::secret::Secret;

/// The longest shown title of a page, in characters.
const MAX_TITLE: usize = 120;

/// The longest error body that is read, and the beginning of a page that may have its title: looking for every secret in a long text
/// would hold up all requests of the instance.
const MAX_READ: usize = 256 << 10;

/// Whether `answer` is an HTML page. The body decides, as for JSON; if it only looks like markup, the content type decides.
pub(super) fn is_page(answer: &http::Response<Bytes>) -> bool {
    let mut text = answer.body().strip_prefix(b"\xef\xbb\xbf").unwrap_or(answer.body()).trim_ascii_start();
    // Declarations and comments may precede the first element.
    for (opening, closing) in [("<?xml", "?>"), ("<!--", "-->"), ("<!--", "-->")] {
        if text.starts_with(opening.as_bytes())
            && let Some(at) = text.windows(closing.len()).position(|window| window == closing.as_bytes())
        {
            text = text.get(at + closing.len()..).unwrap_or_default().trim_ascii_start();
        }
    }
    let begins = |with: &str| text.get(..with.len()).is_some_and(|start| start.eq_ignore_ascii_case(with.as_bytes()));
    let content_type = answer.headers().get(CONTENT_TYPE).map_or(&b""[..], HeaderValue::as_bytes).to_ascii_lowercase();
    ["<html", "<!doctype html", "<head", "<body", "<title", "<center"].into_iter().any(begins)
        || (begins("<") && content_type.windows(4).any(|window| window == b"html"))
}

/// The title of a page, without `secrets`.
pub(super) fn title(body: &[u8], secrets: &[&Secret]) -> Option<String> {
    // Secrets are removed first: a cut secret would not be found. One in a whole title is not cut here.
    let text = strike(&String::from_utf8_lossy(body.get(..MAX_READ).unwrap_or(body)), secrets);
    let lower = text.to_ascii_lowercase();
    let opening = lower.find("<title")?;
    let begin = opening + lower.get(opening..)?.find('>')? + 1;
    let end = begin + lower.get(begin..)?.find("</title")?;
    let title: String = excerpt(text.get(begin..end)?).chars().take(MAX_TITLE).collect();
    (!title.is_empty()).then_some(title)
}

/// The content coding of `answer` (RFC 9110, section 8.4), unless it is `identity` or the body is empty.
pub(super) fn coding(answer: &http::Response<Bytes>) -> Option<String> {
    let values = answer.headers().get_all(CONTENT_ENCODING).iter();
    let words = values.flat_map(|value| value.as_bytes().split(|byte| *byte == b','));
    let mut words = words.map(|word| excerpt(&String::from_utf8_lossy(word)));
    let coding = words.find(|word| !word.is_empty() && !word.eq_ignore_ascii_case("identity"))?;
    (!answer.body().is_empty()).then(|| coding.chars().take(MAX_CODE).collect())
}

/// Whether `body` is not text: supported encodings have no control characters except white space.
pub(super) fn is_binary(body: &[u8]) -> bool {
    body.iter().any(|byte| matches!(byte, 0..=8 | 14..=26 | 28..=31))
}

/// A body's kind and length without its content: it may contain a token, which must not appear in an error.
pub(super) fn describe(answer: &http::Response<Bytes>) -> String {
    let content_type =
        answer.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or("no content type");
    format!("{} bytes of {}", answer.body().len(), excerpt(content_type))
}

/// Why an error body is not read: it is not text, or far longer than an error.
pub(super) fn unread(answer: &http::Response<Bytes>) -> Option<String> {
    let length = answer.body().len();
    match coding(answer) {
        Some(coding) => {
            Some(format!("a body of {length} bytes with the content coding {coding}, which was not requested"))
        }
        None if is_binary(answer.body()) => Some(format!("a body of {length} bytes of binary data")),
        None => {
            (length > MAX_READ).then(|| format!("a body of {length} bytes, of which only {MAX_READ} would be read"))
        }
    }
}

/// An error body that is not the vendor's: its beginning as text, a page by its title, a redirect by its location.
pub(super) fn foreign(answer: &http::Response<Bytes>, body: &[u8], secrets: &[&Secret]) -> Option<String> {
    if let Some(location) = answer.headers().get(LOCATION).and_then(|value| value.to_str().ok()) {
        // The query may contain a session's secrets; the rest is enough.
        let place = location.split(['?', '#']).next().unwrap_or_default();
        return Some(format!("redirect to {}", excerpt(&strike(place, secrets))));
    }
    let text = String::from_utf8_lossy(body);
    match title(body, secrets) {
        Some(title) => Some(format!("an HTML page with the title \"{title}\"")),
        None if is_page(answer) => Some("an HTML page without a title".to_owned()),
        None if text.trim().is_empty() => None,
        None => Some(excerpt(&text)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn page_is_described_by_title_and_redirect_by_location() {
        let told = |answer: http::Response<Bytes>| foreign(&answer, answer.body(), &[]);
        let page = http::Response::new(Bytes::from("<html><title>404 – Not Found</title><body>long"));
        assert_eq!(told(page).unwrap(), "an HTML page with the title \"404 – Not Found\"");
        let mut redirect = http::Response::new(Bytes::new());
        redirect.headers_mut().insert(LOCATION, "https://elsewhere/login?token=x".parse().unwrap());
        assert_eq!(told(redirect).unwrap(), "redirect to https://elsewhere/login");
        assert_eq!(told(http::Response::new(Bytes::new())), None);
    }
}
