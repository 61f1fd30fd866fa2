//! SCIM filters for a group or user: by its exact name in each spelling that vIDM may use, and by a piece of it if a filter
//! would need escapes.

use super::groups::Group;
use super::scim::Resource;
use super::users::User;
use crate::directory::{GroupQuery, Identity, UserQuery};
use crate::dn;

/// The attribute of a group's distinguished name.
const DN: &str = "distinguishedName";

/// A comparison of a filter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Comparison {
    /// The attribute.
    attribute: &'static str,
    /// The name, in one spelling.
    value: String,
}

/// A query for one group or user by its name.
pub(super) trait ByName {
    /// The attribute that it searches for.
    type Resource: Resource;

    /// The name as requested.
    fn requested(&self) -> &str;

    /// The name as it is compared.
    fn identity(&self) -> Identity;

    /// The comparisons that find it, most likely first.
    fn comparisons(&self) -> Vec<Comparison>;

    /// The attributes to request if the name is all that is wanted; `None` for all.
    fn attributes(&self) -> Option<&'static str>;

    /// The attributes to request, for the `names` alone or to show, after a response with all attributes was too large; `None` if
    /// this would not help.
    fn attributes_without_members(&self, names: bool) -> Option<&'static str>;

    /// Whether `found` lacks the attribute that would be compared.
    fn cannot_compare(&self, found: &Self::Resource) -> bool;

    /// Whether it is a distinguished name, which is not looked up together with other names.
    fn is_dn(&self) -> bool {
        false
    }

    /// Whether a filter for one of its spellings needs escapes. How vIDM reads escapes is unknown.
    fn is_awkward(&self) -> bool {
        self.comparisons().iter().any(|comparison| needs_escape(&comparison.value))
    }

    /// Whether every filter for it needs escapes.
    fn always_needs_escape(&self) -> bool {
        self.comparisons().iter().all(|comparison| needs_escape(&comparison.value))
    }

    /// The SCIM filter for exactly this name, in all its spellings. vIDM supports `eq`, `co`, `sw` and the comparisons of
    /// order.
    fn exact_filter(&self) -> String {
        self.exact_filters().join(" or ")
    }

    /// One SCIM filter per comparison.
    fn exact_filters(&self) -> Vec<String> {
        let filter = |Comparison { attribute, value }: &Comparison| format!("{attribute} eq {}", quoted(value));
        self.comparisons().iter().map(filter).collect()
    }

    /// The filters for the name with its domain, and whole, in lower case, for a vIDM that compares the case of values. None for
    /// spellings that the exact filters have, and for those that need escapes.
    fn lower_case_filters(&self) -> Vec<String> {
        let mut all = self.comparisons();
        let exact = all.len();
        for Comparison { attribute, value } in self.comparisons() {
            for value in lower_cases(attribute, &value) {
                let lower = Comparison { attribute, value };
                if !all.contains(&lower) && !needs_escape(&lower.value) {
                    all.push(lower);
                }
            }
        }
        let lower = all.iter().skip(exact);
        lower.map(|Comparison { attribute, value }| format!("{attribute} eq {}", quoted(value))).collect()
    }

    /// The filters for the spellings that need escapes, with unescaped values, for servers that do not read escapes; none
    /// for a value that contains a quotation mark.
    fn raw_filters(&self) -> Vec<String> {
        let comparisons = self.comparisons();
        let raw = comparisons.iter().filter(|Comparison { value, .. }| needs_escape(value) && !value.contains('"'));
        raw.map(|Comparison { attribute, value }| format!("{attribute} eq \"{value}\"")).collect()
    }

    /// A filter that finds it and others by a piece of its name without escapes; `None` if no piece is long enough to be
    /// selective.
    fn piece_filter(&self) -> Option<String> {
        let comparisons = self.comparisons();
        let Comparison { attribute, value } = comparisons.first()?;
        let mut pieces = value.split(['"', '\\']);
        let start = pieces.next().unwrap_or_default();
        let own = if *attribute == DN { start.split_once('=').map_or("", |(_, value)| value) } else { start };
        if own.trim().chars().count() >= PIECE {
            return Some(format!("{attribute} sw \"{}\"", start.trim_end()));
        }
        let longest = pieces.map(str::trim).max_by_key(|piece| piece.len())?;
        let is_enough = longest.chars().count() >= PIECE;
        is_enough.then(|| format!("{attribute} co \"{longest}\""))
    }
}

impl ByName for GroupQuery {
    type Resource = Group;

    fn requested(&self) -> &str {
        self.as_str()
    }

    fn identity(&self) -> Identity {
        Self::identity(self)
    }

    fn comparisons(&self) -> Vec<Comparison> {
        let (attribute, form) = match self {
            Self::DistinguishedName(dn) => (DN, dn::directory_form(dn)),
            Self::Name(name) => ("displayName", name.clone()),
        };
        comparisons(attribute, spellings(form, self.as_str()))
    }

    /// Not every version can return the extension's attributes by name.
    fn attributes(&self) -> Option<&'static str> {
        // Members, of which there may be thousands, are not requested.
        (!self.is_dn()).then_some("id,displayName")
    }

    /// A group of about 90,000 members exceeds the default limit, 8 MiB. The extension's attributes have their short names, as in
    /// the vendor's SCIM guide: a name that vIDM does not know is 400.
    fn attributes_without_members(&self, names: bool) -> Option<&'static str> {
        Some(match names {
            true => "id,displayName,distinguishedName",
            false => "id,displayName,externalId,distinguishedName,domain,internalGroupType",
        })
    }

    fn cannot_compare(&self, group: &Group) -> bool {
        match self {
            Self::DistinguishedName(_) => group.distinguished_name.is_none(),
            Self::Name(_) => group.display_name.is_none(),
        }
    }

    fn is_dn(&self) -> bool {
        matches!(self, Self::DistinguishedName(_))
    }
}

impl ByName for UserQuery {
    type Resource = User;

    fn requested(&self) -> &str {
        self.as_str()
    }

    fn identity(&self) -> Identity {
        Self::identity(self)
    }

    /// By account name, by user principal name, and by a user name with its domain.
    fn comparisons(&self) -> Vec<Comparison> {
        let (name, _) = self.parts();
        let (account, whole) = (spellings(name.to_owned(), name), spellings(self.as_str().to_owned(), self.as_str()));
        let mut all = comparisons("userName", account);
        all.extend(comparisons("userPrincipalName", whole.clone()));
        all.extend(comparisons("userName", whole));
        all
    }

    /// The domain is an attribute of the extension, which not every version returns by name.
    fn attributes(&self) -> Option<&'static str> {
        None
    }

    fn attributes_without_members(&self, _: bool) -> Option<&'static str> {
        None
    }

    fn cannot_compare(&self, user: &User) -> bool {
        user.user_name.is_none() || (user.domain.is_none() && user.principal_name.is_none())
    }
}

fn comparisons(attribute: &'static str, spellings: Vec<String>) -> Vec<Comparison> {
    spellings.into_iter().map(|value| Comparison { attribute, value }).collect()
}

/// `value` with its domain in lower case, and whole; of a distinguished name only the domain: nobody writes the rest so.
fn lower_cases(attribute: &str, value: &str) -> Vec<String> {
    if attribute == DN {
        let Some((name, domain)) = value.find(",DC=").and_then(|at| value.split_at_checked(at)) else {
            return Vec::new();
        };
        return vec![format!("{name}{}", domain.to_lowercase().replace(",dc=", ",DC="))];
    }
    let Some((name, domain)) = value.rsplit_once('@') else { return vec![value.to_lowercase()] };
    vec![format!("{name}@{}", domain.to_lowercase()), value.to_lowercase()]
}

/// The spellings of a name that vIDM may use, most likely first: Active Directory's `form`, composed, as given.
fn spellings(form: String, given: &str) -> Vec<String> {
    let mut spellings = vec![dn::composed(&form).into_owned()];
    for other in [form, given.to_owned()] {
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

    #[test]
    fn lower_case_is_looked_up_if_it_differs() {
        for (query, filters) in [
            (name("gg-new@corp.example"), &[][..]),
            (
                name("GG-New@CORP.Example"),
                &[r#"displayName eq "GG-New@corp.example""#, r#"displayName eq "gg-new@corp.example""#],
            ),
            (dn("CN=gg-New,OU=Groups,DC=corp,DC=example"), &[]),
            (
                dn("CN=gg-New,OU=Groups,DC=CORP,DC=Example"),
                &[r#"distinguishedName eq "CN=gg-New,OU=Groups,DC=corp,DC=example""#],
            ),
            (dn(r"CN=Sales\, EMEA,DC=CORP"), &[]),
        ] {
            assert_eq!(query.lower_case_filters(), filters);
        }
    }

    #[test]
    fn users_are_compared_by_account_and_principal_name() {
        let user = |text: &str| UserQuery::parse(text).unwrap();
        assert_eq!(
            user("jdoe@corp.example").exact_filters(),
            [
                r#"userName eq "jdoe""#,
                r#"userPrincipalName eq "jdoe@corp.example""#,
                r#"userName eq "jdoe@corp.example""#
            ]
        );
        assert_eq!(user("Mu\u{308}ller@c").exact_filters().len(), 6);
        let odd = user(r"o\brien@c");
        assert!(odd.is_awkward() && odd.always_needs_escape());
        assert_eq!(odd.raw_filters()[0], r#"userName eq "o\brien""#);
        assert_eq!(odd.piece_filter().as_deref(), Some(r#"userName co "brien""#));
    }
}
