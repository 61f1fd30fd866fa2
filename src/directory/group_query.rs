//! A reference to a group: by distinguished name, or by name and domain.

use super::odd_name::{self, shown};
use crate::dn::{self, Key};
use crate::upstream::is_uuid;

/// The longest reference, in bytes, with blanks around it.
const MAX_LENGTH: usize = 2_048;

/// The domain of vIDM's own users and groups, the only one with a blank in its name.
const SYSTEM_DOMAIN: &str = "System Domain";

const LIST: &str = "send a list of strings, one name each (PowerShell: ConvertTo-Json -Depth 10)";

const WANTS_DN: &str = "must be a DN (CN=…,DC=…) to be added to the profile: groups are looked up by DN only";

/// A reference to a group.
///
/// ```
/// use idhook::directory::GroupQuery;
///
/// assert!(matches!(GroupQuery::parse("CN=app,OU=Groups,DC=corp,DC=example"), Ok(GroupQuery::DistinguishedName(_))));
/// assert!(matches!(GroupQuery::parse("app@corp.example"), Ok(GroupQuery::Name(_))));
/// assert!(GroupQuery::parse("app").is_err());
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum GroupQuery {
    /// By its distinguished name, `CN=…`.
    DistinguishedName(String),
    /// By its name, `name@domain`. A name without domain is always rejected: the same name may be in several
    /// domains, and a directory's run imports only the groups of its own domains.
    Name(String),
}

/// Compares queries and groups. Case does not matter, as in Active Directory, nor whether letters are composed.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Identity {
    Dn(Key),
    Name(String),
}

impl Identity {
    pub(crate) fn of_dn(dn: &str) -> Self {
        Self::Dn(Key::of(dn))
    }

    pub(crate) fn of_name(name: &str) -> Self {
        Self::Name(dn::folded(name))
    }
}

impl GroupQuery {
    /// Most groups in one request.
    pub const MAX: usize = 100;

    /// Reads a distinguished name (a text that begins with a type and an equals sign, RFC 4514) or `name@domain`.
    /// Meaningless blanks are removed.
    ///
    /// # Errors
    /// The mistake and the fix, worded to follow a field's name.
    pub fn parse(text: &str) -> Result<Self, String> {
        Self::parse_in(text, None)
    }

    /// The same for a group of `directory`, as the request names it: if that is a domain, the error for a name without
    /// domain shows the name to write.
    ///
    /// # Errors
    /// As [`parse`](Self::parse).
    pub(crate) fn parse_in(text: &str, directory: Option<&str>) -> Result<Self, String> {
        if text.trim().is_empty() {
            return Err("is empty: send a group's distinguished name (CN=…,DC=…) or its name (name@domain)".to_owned());
        }
        Self::parse_name(text)?.ok_or_else(|| {
            let text = text.trim();
            let odd = odd_name::oddities(text).into_iter().next().map(|odd| format!("; it {odd}")).unwrap_or_default();
            format!("{}{odd}", without_domain(text, directory))
        })
    }

    /// Reads one name of a group or a user; `None` for a name without domain.
    ///
    /// # Errors
    /// As [`parse`](Self::parse).
    pub(super) fn parse_name(text: &str) -> Result<Option<Self>, String> {
        // With its blanks: responses repeat the text as it is.
        if text.len() > MAX_LENGTH {
            return Err("is longer than 2,048 bytes".to_owned());
        }
        let text = text.trim();
        if crate::template::is_unfilled(text) {
            return Err(crate::template::REFUSED.to_owned());
        }
        check_one(text)?;
        if let Some(control) = text.chars().find(|c| c.is_control()) {
            let mut fault = format!("contains a control character, U+{:04X}", u32::from(control));
            for oddity in odd_name::oddities(text) {
                fault.push_str("; ");
                fault.push_str(&oddity);
            }
            return Err(fault);
        }
        if dn::is_dn(text) {
            let dn = dn::tidy(text).map_err(str::to_owned)?;
            // The blanks that are gone may have hidden a fault.
            check_one(&dn)?;
            return Ok(Some(Self::DistinguishedName(dn)));
        }
        let with_domain =
            text.rsplit_once('@').filter(|(name, domain)| !name.trim().is_empty() && !domain.trim().is_empty());
        Ok(with_domain.map(|_| Self::Name(text.to_owned())))
    }

    /// Reads a group that a sync of `directory` must bring. A group to add to the sync profile must be a DN.
    ///
    /// # Errors
    /// As [`parse`](Self::parse).
    pub(crate) fn of_sync(text: &str, add_to_profile: bool, directory: Option<&str>) -> Result<Self, String> {
        let is_name = |text: &str| !crate::template::is_unfilled(text) && check_one(text).is_ok() && !dn::is_dn(text);
        match Self::parse_in(text, directory) {
            Err(_) if add_to_profile && is_name(text.trim()) => Err(WANTS_DN.to_owned()),
            Ok(Self::Name(_)) if add_to_profile => Err(WANTS_DN.to_owned()),
            read => read,
        }
    }

    /// The name or the distinguished name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::DistinguishedName(text) | Self::Name(text) => text,
        }
    }

    pub(crate) fn identity(&self) -> Identity {
        match self {
            Self::DistinguishedName(dn) => Identity::of_dn(dn),
            Self::Name(name) => Identity::of_name(name),
        }
    }
}

/// Checks that the form of a text allows only one group.
fn check_one(text: &str) -> Result<(), String> {
    let lines = text.split(['\n', '\r', '\t', '\u{2028}', '\u{2029}']).filter(|line| !line.trim().is_empty()).count();
    let is_list = text.starts_with('[') && text.ends_with(']') && !text.starts_with("[object ");
    const QUOTES: [(char, char); 5] =
        [('"', '"'), ('\'', '\''), ('`', '`'), ('\u{201c}', '\u{201d}'), ('\u{2018}', '\u{2019}')];
    let is_quoted = |(open, close): (char, char)| {
        let inner = text.strip_prefix(open).and_then(|text| text.strip_suffix(close));
        inner.is_some_and(|inner| !inner.contains([open, close]))
    };
    if QUOTES.into_iter().any(is_quoted) {
        return Err("is in quotation marks: remove them".to_owned());
    }
    let (name, _) = text.rsplit_once('@').unwrap_or((text, ""));
    if is_type_name(name) || text.starts_with("@{") {
        return Err(format!("is \"{}\", a program's text for a list or an object: {LIST}", shown(text)));
    }
    if lines > 1 || is_list || holds_several(text.trim_end_matches([',', ';', '|', ' '])) {
        return Err(format!("contains several names: {LIST}"));
    }
    if text.ends_with([',', ';', '|']) {
        return Err("ends with a separator: remove it".to_owned());
    }
    Ok(())
}

fn holds_several(text: &str) -> bool {
    if dn::is_dn(text) {
        return dn::holds_several(text);
    }
    // A group with an @ in its name can be named by its DN.
    let Some((name, domain)) = text.rsplit_once('@') else { return text.contains([';', '|']) && !text.contains('=') };
    let is_system = domain.trim().eq_ignore_ascii_case(SYSTEM_DOMAIN);
    let is_java = name.starts_with("[L");
    let is_odd = |c: char| c.is_whitespace() || matches!(c, ',' | ';' | '|' | '=' | '/' | '"' | '\'');
    !is_java && (name.contains('@') || (!is_system && domain.trim().contains(is_odd)))
}

/// Whether this is PowerShell's, Java's or JavaScript's text for an object or a list.
fn is_type_name(name: &str) -> bool {
    const BEGINS: &[&str] = &[
        "System.Object",
        "System.String",
        "System.Collections.",
        "System.Management.",
        "System.DirectoryServices.",
        "System.Xml.",
        "System.Data.",
        "System.Linq.",
        "Microsoft.ActiveDirectory.",
        "Microsoft.PowerShell.",
        "Selected.Microsoft.",
        "Selected.System.",
        "Deserialized.",
        "[object ",
        "[Ljava.",
        "java.util.",
        "java.lang.",
    ];
    BEGINS.iter().any(|begin| {
        let (start, rest) = name.split_at_checked(begin.len()).unwrap_or_default();
        // `System.ObjectOwners` may be a group.
        start.eq_ignore_ascii_case(begin)
            && (begin.ends_with(['.', ' ']) || !rest.starts_with(|c: char| c.is_alphanumeric()))
    }) || (name.ends_with("[]") && name.contains('.') && !name.contains(' '))
}

/// The kind of identifier that a text is in place of a name.
fn identifier(text: &str) -> Option<&'static str> {
    let is_sid = text.get(..4).is_some_and(|start| start.eq_ignore_ascii_case("S-1-"))
        && text.chars().skip(4).all(|c| c.is_ascii_digit() || c == '-');
    let is_guid = is_uuid(text.trim_start_matches('{').trim_end_matches('}'));
    if is_sid { Some("SID") } else { is_guid.then_some("GUID") }
}

/// How to write a group whose domain is missing.
fn without_domain(text: &str, directory: Option<&str>) -> String {
    if let Some(kind) = identifier(text) {
        return format!(
            "is a {kind}: write the group's DN (CN=…,OU=…,DC=…), or its name with its domain (name@corp.example)"
        );
    }
    if let Some((before, _)) = text.split_once('=') {
        return format!(
            "is neither a DN nor a name with its domain: a DN begins with a type, like CN=name,OU=unit,DC=corp,DC=example, and not with \"{}\"",
            shown(before)
        );
    }
    let bare = text.trim_matches('@');
    // `CORP\name`, the form of Windows.
    let bare = bare.rsplit_once('\\').map_or(bare, |(_, name)| name).trim();
    let is_domain = |text: &&str| {
        text.contains('.')
            && text.chars().all(|c| c.is_alphanumeric() || matches!(c, '.' | '-' | '_'))
            && !text.starts_with('.')
    };
    match directory.map(str::trim).filter(is_domain) {
        Some(domain) => {
            format!("has no domain: write \"{}@{domain}\", or the group's DN (CN=…,OU=…,DC=…)", shown(bare))
        }
        None => format!(
            "has no domain: write \"{}@corp.example\", with the group's own domain in place of corp.example, or the group's DN \
             (CN=…,OU=…,DC=…)",
            shown(bare)
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dn(text: &str) -> GroupQuery {
        GroupQuery::DistinguishedName(text.to_owned())
    }

    fn name(text: &str) -> GroupQuery {
        GroupQuery::Name(text.to_owned())
    }

    #[test]
    fn text_is_read_as_dn_or_name() {
        for (text, query) in [
            (" gg-new@corp.example ", name("gg-new@corp.example")),
            ("Grüße, alle@corp.example", name("Grüße, alle@corp.example")),
            ("ALL USERS@System Domain", name("ALL USERS@System Domain")),
            ("System.ObjectOwners@corp.example", name("System.ObjectOwners@corp.example")),
            ("R&D (a|b)@corp.example", name("R&D (a|b)@corp.example")),
            ("CN=gg, OU=x,DC=y", dn("CN=gg,OU=x,DC=y")),
            ("CN=gg\\, x,DC=y", dn("CN=gg\\, x,DC=y")),
            ("a b=c@corp.example", name("a b=c@corp.example")),
        ] {
            assert_eq!(GroupQuery::parse(text), Ok(query));
        }
        let long = format!("{}@c", "x".repeat(2_047));
        for (text, told) in [
            ("", "is empty"),
            (" \t", "is empty"),
            ("a\u{7}b@c", "a control character, U+0007"),
            ("gg-MÃ\u{9c}nchen@c", "\"Ü\" was meant"),
            ("CN=a\0,DC=x", "control"),
            ("CN=a,b", "a comma within a name is written \\,"),
            ("CN={{ x }},DC=x", "placeholder"),
            (long.as_str(), "longer"),
        ] {
            assert!(GroupQuery::parse(text).unwrap_err().contains(told), "{text}: {:?}", GroupQuery::parse(text));
        }
    }

    #[test]
    fn several_names_in_one_text_are_rejected() {
        const A: &str = "CN=gg-a,OU=Groups,DC=corp,DC=example";
        const B: &str = "CN=gg-b,OU=Groups,DC=corp,DC=example";
        let dns =
            [" ", ";", ",", "|", "\n", "\r\n", ", ", "\t", "\u{2028}"].map(|separator| format!("{A}{separator}{B}"));
        let names = [" ", ";", ",", "|", "\n", ", ", " and ", "/"]
            .map(|separator| format!("gg-a@corp.example{separator}gg-b@corp.example"));
        let others = [
            "gg-a@corp.example,gg-b",
            "gg-a@corp.example gg-b",
            "gg-a@corp.example;CN=gg-b,DC=x",
            "gg-a;gg-b",
            "gg-a|gg-b",
            "[\"gg-a@corp.example\"]",
            "['CN=gg-a,DC=x', 'CN=gg-b,DC=x']",
            "gg@a@corp.example",
            "CN=gg-a,DC=example;CN=gg-b,DC=example;",
        ];
        for text in dns.iter().chain(&names).map(String::as_str).chain(others) {
            let fault = GroupQuery::parse(text).unwrap_err();
            assert!(fault.contains("several names") && fault.contains("ConvertTo-Json -Depth 10"), "{text}: {fault}");
            assert_eq!(GroupQuery::of_sync(text, true, None), Err(fault));
        }
    }

    #[test]
    fn texts_of_objects_are_rejected() {
        for text in [
            "System.Object[]",
            "System.Object[] System.Object[]",
            "System.String[]@corp.example",
            "System.Collections.ArrayList",
            "System.Collections.Generic.List`1[System.Object]",
            "System.Management.Automation.PSCustomObject",
            "Microsoft.ActiveDirectory.Management.ADGroup",
            "Microsoft.ActiveDirectory.Management.ADPropertyValueCollection",
            "@{Name=gg-a; Domain=corp.example}",
            "[object Object]",
            "[object Object]@corp.example",
            "[Ljava.lang.String;@1b6d3586",
            "java.util.ArrayList@1b6d3586",
            "VMware.Vim.Group[]",
        ] {
            let fault = GroupQuery::parse(text).unwrap_err();
            assert!(fault.contains("a list or an object") && fault.contains("Depth 10"), "{text}: {fault}");
        }
        // Its blanks are removed before it would be searched for.
        assert!(GroupQuery::parse("N =\\\u{fffd}6System.String[]").unwrap_err().contains("a program's text"));
    }

    #[test]
    fn name_without_domain_is_rejected_with_the_text_to_write() {
        let fault = |text: &str, directory| GroupQuery::of_sync(text, false, directory).unwrap_err();
        for (text, directory, told) in [
            ("gg-app", Some("corp.example"), "has no domain: write \"gg-app@corp.example\""),
            ("gg-app", Some(" lab.example "), "write \"gg-app@lab.example\""),
            ("gg app", None, "write \"gg app@corp.example\", with the group's own domain"),
            ("gg-app@", Some("lab.example"), "write \"gg-app@lab.example\""),
            ("S-1-5-21-1004336348-1177238915-682003330-512", Some("corp.example"), "is a SID: write the group's DN"),
            ("{3f2504e0-4f89-11d3-9a0c-0305e82c3301}", None, "is a GUID: write the group's DN"),
            ("S-1-team", None, "write \"S-1-team@corp.example\""),
            ("CORP\\gg-app", Some("corp.example"), "write \"gg-app@corp.example\""),
            ("gg-app", Some("Corporate Directory"), "with the group's own domain"),
            ("gg-app", Some("d1000000-0000-4000-8000-0000000000c0"), "with the group's own domain"),
            ("CN%3Dgg%2CDC%3Dx", None, "; it contains \"%3D\": the sender percent-encoded it"),
            ("gg\u{ff20}corp.example", None, "U+FF20"),
            ("\u{feff}CN=gg,DC=x", None, "not with \"<U+FEFF>CN\""),
            ("LDAP://CN=gg,DC=x", None, "not with \"LDAP://CN\""),
            ("\"gg@corp.example\"", None, "is in quotation marks"),
            ("gg@corp.example;", None, "ends with a separator"),
            ("CN=gg,DC=corp,DC=example;", None, "ends with a separator"),
        ] {
            assert!(fault(text, directory).contains(told), "{text}: {}", fault(text, directory));
        }
        assert!(GroupQuery::of_sync("gg-app", true, Some("corp.example")).unwrap_err().contains("must be a DN"));
        assert!(GroupQuery::of_sync("gg@corp.example", true, None).unwrap_err().contains("must be a DN"));
        assert_eq!(GroupQuery::of_sync("CN=gg,DC=x", true, None), Ok(dn("CN=gg,DC=x")));
    }
}
