//! SCIM filters for a group: by its exact name in each spelling that vIDM may use, and by a piece of it if a filter would
//! need escapes.

use super::groups::Group;
use crate::directory::GroupQuery;
use crate::dn;

impl GroupQuery {
    /// The attribute that its filters compare.
    pub(super) fn attribute(&self) -> &'static str {
        match self {
            Self::DistinguishedName(_) => "distinguishedName",
            Self::Name(_) => "displayName",
        }
    }

    /// The spellings that vIDM may use, most likely first: Active Directory's, composed, as given.
    pub(super) fn spellings(&self) -> Vec<String> {
        let form = match self {
            Self::DistinguishedName(dn) => dn::directory_form(dn),
            Self::Name(name) => name.clone(),
        };
        let mut spellings = vec![dn::composed(&form).into_owned()];
        for other in [form, self.as_str().to_owned()] {
            if !spellings.contains(&other) {
                spellings.push(other);
            }
        }
        // A hex escape is another form of the plain character in the first spelling.
        if spellings.first().is_some_and(|first| !needs_escape(first)) {
            spellings.retain(|spelling| !needs_escape(spelling));
        }
        spellings
    }

    /// Whether a filter for one of its spellings needs escapes. How vIDM reads escapes is unknown.
    pub(super) fn is_awkward(&self) -> bool {
        self.spellings().iter().any(|spelling| needs_escape(spelling))
    }

    /// Whether every filter for it needs escapes.
    pub(super) fn always_needs_escape(&self) -> bool {
        self.spellings().iter().all(|spelling| needs_escape(spelling))
    }

    /// The SCIM filter for exactly this name, in all its spellings. vIDM supports `eq`, `co`, `sw` and the comparisons of
    /// order.
    pub(super) fn exact_filter(&self) -> String {
        self.exact_filters().join(" or ")
    }

    /// One SCIM filter per spelling.
    pub(super) fn exact_filters(&self) -> Vec<String> {
        let compare = |spelling: &String| format!("{} eq {}", self.attribute(), quoted(spelling));
        self.spellings().iter().map(compare).collect()
    }

    /// The filters for the spellings that need escapes, with unescaped values, for servers that do not read escapes; none
    /// for a value that contains a quotation mark.
    pub(super) fn raw_filters(&self) -> Vec<String> {
        let spellings = self.spellings();
        let raw = spellings.iter().filter(|spelling| needs_escape(spelling) && !spelling.contains('"'));
        raw.map(|spelling| format!("{} eq \"{spelling}\"", self.attribute())).collect()
    }

    /// A filter that finds this group and others by a piece of its name without escapes; `None` if no piece is long enough
    /// to be selective.
    pub(super) fn piece_filter(&self) -> Option<String> {
        let spellings = self.spellings();
        let name = spellings.first()?;
        let mut pieces = name.split(['"', '\\']);
        let start = pieces.next().unwrap_or_default();
        let own = match self {
            Self::DistinguishedName(_) => start.split_once('=').map_or("", |(_, value)| value),
            Self::Name(_) => start,
        };
        if own.trim().chars().count() >= PIECE {
            return Some(format!("{} sw \"{}\"", self.attribute(), start.trim_end()));
        }
        let longest = pieces.map(str::trim).max_by_key(|piece| piece.len())?;
        let is_enough = longest.chars().count() >= PIECE;
        is_enough.then(|| format!("{} co \"{longest}\"", self.attribute()))
    }

    /// Whether `group` lacks the attribute that would be compared.
    pub(super) fn cannot_compare(&self, group: &Group) -> bool {
        match self {
            Self::DistinguishedName(_) => group.distinguished_name.is_none(),
            Self::Name(_) => group.display_name.is_none(),
        }
    }
}

/// The shortest piece of a name, in characters.
const PIECE: usize = 3;

fn needs_escape(text: &str) -> bool {
    text.contains(['"', '\\'])
}

/// `text` quoted as in SCIM filters (which use JSON's rule).
pub(super) fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
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
    fn filters_escape_quotes_and_backslashes() {
        for (query, filter) in [
            (
                dn("CN=gg-new,OU=Groups,DC=corp,DC=example"),
                r#"distinguishedName eq "CN=gg-new,OU=Groups,DC=corp,DC=example""#,
            ),
            (dn(r#"CN=a\, \"b\",DC=c"#), r#"distinguishedName eq "CN=a\\, \\\"b\\\",DC=c""#),
            (name("gg-new@corp.example"), r#"displayName eq "gg-new@corp.example""#),
            (name(r#"x" or displayName sw "@c"#), r#"displayName eq "x\" or displayName sw \"@c""#),
            (name("gg-\"é\\@c"), r#"displayName eq "gg-\"é\\@c""#),
            // In each form that vIDM may use.
            (dn("cn=gg,dc=x"), r#"distinguishedName eq "CN=gg,DC=x" or distinguishedName eq "cn=gg,dc=x""#),
            (dn(r"CN=gg-M\C3\BCnchen,DC=x"), r#"distinguishedName eq "CN=gg-München,DC=x""#),
            (
                dn(r"CN=Sales\2C EMEA,DC=x"),
                r#"distinguishedName eq "CN=Sales\\, EMEA,DC=x" or distinguishedName eq "CN=Sales\\2C EMEA,DC=x""#,
            ),
            (name("gg-Mu\u{308}nchen@c"), "displayName eq \"gg-München@c\" or displayName eq \"gg-Mu\u{308}nchen@c\""),
        ] {
            assert_eq!(query.exact_filter(), filter);
        }
    }

    #[test]
    fn awkward_names_have_filters_without_escapes() {
        for (query, raw, piece) in [
            (
                dn(r"CN=Sales\, EMEA,OU=Groups,DC=c"),
                Some(r#"distinguishedName eq "CN=Sales\, EMEA,OU=Groups,DC=c""#),
                Some(r#"distinguishedName sw "CN=Sales""#),
            ),
            (name(r#"Team "A"@corp.example"#), None, Some(r#"displayName sw "Team""#)),
            // The piece before the first escape is too short to be selective.
            (dn(r#"CN=\"A\" team,OU=Groups,DC=c"#), None, Some(r#"distinguishedName co "team,OU=Groups,DC=c""#)),
            (name(r#""A""@c"#), None, None),
            (
                dn(r"CN=a\+b,DC=c"),
                Some(r#"distinguishedName eq "CN=a\+b,DC=c""#),
                Some(r#"distinguishedName co "+b,DC=c""#),
            ),
        ] {
            assert!(query.is_awkward());
            assert_eq!(query.raw_filters(), raw.into_iter().collect::<Vec<_>>());
            assert!(query.always_needs_escape());
            assert_eq!(query.piece_filter().as_deref(), piece);
        }
        assert!(!dn("CN=gg,DC=c").is_awkward() && !name("gg@c").is_awkward());
        let one_way = dn("CN=R&amp;D,DC=c");
        assert!(one_way.is_awkward() && !one_way.always_needs_escape());
        assert_eq!(one_way.raw_filters(), [r#"distinguishedName eq "CN=R&amp\;D,DC=c""#]);
    }
}
