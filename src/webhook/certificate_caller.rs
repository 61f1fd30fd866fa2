//! Callers with a client certificate, which the operator's own proxy has verified and passes on in a header.

use std::time::SystemTime;

use http::{HeaderMap, HeaderName};

use super::caller::Caller;
use super::log::LogLine;
use crate::certificate::ClientCertificate;
use crate::config::{Config, PROXY_KEY};
use crate::error::{Error, ErrorCode, FieldError};

/// The first caller in the configuration whose certificate the request has; `None` if it has no certificate, or no caller is
/// configured for one.
///
/// # Errors
/// `request_invalid` if the header occurs twice: the client may have sent the other one. `unauthenticated` if the header does not
/// come from the proxy, or its certificate cannot be read, is not valid now, or fits no configured caller.
pub(super) fn caller<'c>(
    config: &'c Config,
    headers: &HeaderMap,
    now: SystemTime,
    line: &mut LogLine,
) -> Result<Option<Caller<'c>>, Error> {
    let name = &config.proxy.client_certificate_header;
    if config.certificate_callers.is_empty() {
        return Ok(None);
    }
    let Some(text) = lone(headers, name)? else { return Ok(None) };
    if !config.proxy.is_sender(headers) {
        return Err(rejected(format!("the client certificate in {name} does not come from the configured proxy"))
            .hint(format!("call idhook through the proxy; let the proxy send its key, once, in {PROXY_KEY}")));
    }
    let certificate = ClientCertificate::read(text).map_err(|fault| {
        let (fault, fix) = fault.split_once("; ").unwrap_or((&fault, "check the proxy's configuration"));
        rejected(format!("the header {name} {fault}")).hint(fix)
    })?;
    let shown = certificate.shown();
    line.subject(Some(&shown));
    certificate.check_time(now).map_err(|fault| {
        rejected(format!("the client certificate of {shown} {fault}")).hint("renew it, then connect again")
    })?;
    let mut misses = Vec::new();
    for (at, entry) in config.certificate_callers.iter().enumerate() {
        match entry.certificate.check(&certificate) {
            Ok(()) => return Ok(Some(Caller::new(&entry.grant, 0))),
            Err(field) => {
                misses.push(format!("certificate_callers[{at}] ({}): the {field} differs", entry.grant.name));
            }
        }
    }
    line.notes(misses);
    Err(rejected(format!("no API key came with the request, and its client certificate, {shown}, is that of no caller")).hint(
        "compare it with its entry in certificate_callers; idhook's log names the field that differs. Or send an API key",
    ))
}

/// The value of a header that occurs once, unless it is blank.
fn lone<'h>(headers: &'h HeaderMap, name: &HeaderName) -> Result<Option<&'h str>, Error> {
    let mut values = headers.get_all(name).iter();
    let (value, another) = (values.next(), values.next());
    if another.is_some() {
        return Err(Error::invalid(vec![FieldError::new("", format!("the header {name} occurs more than once"))])
            .hint("let the proxy replace the client's header, not add another"));
    }
    // A value that is no text cannot be read as a certificate either.
    Ok(value.map(|value| value.to_str().unwrap_or("?")).filter(|text| !text.trim().is_empty()))
}

fn rejected(detail: String) -> Error {
    Error::new(ErrorCode::Unauthenticated, detail)
}
