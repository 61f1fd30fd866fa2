//! SCIM 1.1 filters as vIDM accepts them: only `eq co sw gt ge lt le`, joined by `and` and `or`, with parentheses; values
//! are in double quotes, read according to [`ScimValues`]. Texts are compared ignoring case.

use super::state::Group;
use crate::clock;
use crate::settings::ScimValues;

/// A parsed filter.
#[derive(Debug)]
pub(super) enum Filter {
    And(Box<Filter>, Box<Filter>),
    Or(Box<Filter>, Box<Filter>),
    Compare { attribute: Attribute, operator: Operator, value: String },
}

#[derive(Clone, Copy, Debug)]
pub(super) enum Operator {
    Eq,
    Co,
    Sw,
    Gt,
    Ge,
    Lt,
    Le,
}

/// The attributes of a group for filtering, sorting and selection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Attribute {
    Id,
    DisplayName,
    ExternalId,
    Created,
    LastModified,
    DistinguishedName,
    Domain,
    InternalGroupType,
    UserStoreUuid,
    UserName,
    UserPrincipalName,
}

impl Attribute {
    /// Names are compared ignoring case; those of the extension may have its URN as prefix.
    pub(super) fn parse(name: &str) -> Option<Self> {
        let name = name.to_ascii_lowercase();
        let name = name.strip_prefix("urn:scim:schemas:core:1.0:").unwrap_or(&name);
        Some(match name.strip_prefix("urn:scim:schemas:extension:workspace:1.0:").unwrap_or(name) {
            "id" => Self::Id,
            "displayname" => Self::DisplayName,
            "externalid" => Self::ExternalId,
            "meta.created" => Self::Created,
            "meta.lastmodified" => Self::LastModified,
            "distinguishedname" => Self::DistinguishedName,
            "domain" => Self::Domain,
            "internalgrouptype" => Self::InternalGroupType,
            "userstoreuuid" => Self::UserStoreUuid,
            "username" => Self::UserName,
            "userprincipalname" => Self::UserPrincipalName,
            _ => return None,
        })
    }

    pub(super) fn of(self, group: &Group) -> String {
        let optional = |value: &Option<String>| value.clone().unwrap_or_default();
        match self {
            Self::Id => group.id.clone(),
            Self::DisplayName => group.display_name.clone(),
            Self::ExternalId => optional(&group.external_id),
            Self::Created | Self::LastModified => clock::iso(group.created),
            Self::DistinguishedName => optional(&group.dn),
            Self::Domain => optional(&group.domain),
            Self::InternalGroupType => group.internal_type.to_owned(),
            Self::UserStoreUuid => optional(&group.userstore_id),
            Self::UserName | Self::UserPrincipalName => String::new(),
        }
    }
}

impl Filter {
    /// `None` if it is not valid.
    pub(super) fn parse(text: &str, values: ScimValues) -> Option<Self> {
        let tokens = tokenize(text, values)?;
        let mut parser = Parser { tokens: tokens.into_iter().peekable() };
        let filter = parser.either()?;
        parser.tokens.next().is_none().then_some(filter)
    }

    /// Whether an object with these values matches.
    pub(super) fn matches(&self, of: &impl Fn(Attribute) -> String) -> bool {
        match self {
            Self::And(left, right) => left.matches(of) && right.matches(of),
            Self::Or(left, right) => left.matches(of) || right.matches(of),
            Self::Compare { attribute, operator, value } => {
                let (left, right) = (of(*attribute).to_lowercase(), value.to_lowercase());
                match operator {
                    Operator::Eq => left == right,
                    Operator::Co => left.contains(&right),
                    Operator::Sw => left.starts_with(&right),
                    Operator::Gt => left > right,
                    Operator::Ge => left >= right,
                    Operator::Lt => left < right,
                    Operator::Le => left <= right,
                }
            }
        }
    }
}

impl Filter {
    /// Whether each attribute is one of groups, or of users.
    pub(super) fn is_of(&self, users: bool) -> bool {
        match self {
            Self::And(left, right) | Self::Or(left, right) => left.is_of(users) && right.is_of(users),
            Self::Compare { attribute, .. } => match attribute {
                Attribute::UserName | Attribute::UserPrincipalName => users,
                Attribute::Id | Attribute::Domain => true,
                _ => !users,
            },
        }
    }
}

#[derive(Debug, PartialEq, Eq)]
enum Token {
    Open,
    Close,
    Word(String),
    Text(String),
}

fn tokenize(text: &str, values: ScimValues) -> Option<Vec<Token>> {
    let mut tokens = Vec::new();
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            ' ' => {}
            '(' => tokens.push(Token::Open),
            ')' => tokens.push(Token::Close),
            '"' => {
                let mut value = String::new();
                loop {
                    match characters.next()? {
                        '"' if values == ScimValues::Json => break,
                        '"' if matches!(characters.peek(), None | Some(' ' | ')')) => break,
                        '\\' if values == ScimValues::Json => {
                            value.push(characters.next().filter(|next| matches!(next, '"' | '\\' | '/'))?)
                        }
                        other => value.push(other),
                    }
                }
                tokens.push(Token::Text(value));
            }
            _ => {
                let mut word = String::from(character);
                while let Some(next) = characters.next_if(|next| !matches!(next, ' ' | '(' | ')' | '"')) {
                    word.push(next);
                }
                tokens.push(Token::Word(word));
            }
        }
    }
    Some(tokens)
}

struct Parser {
    tokens: std::iter::Peekable<std::vec::IntoIter<Token>>,
}

impl Parser {
    fn keyword(&mut self, keyword: &str) -> bool {
        let is = |token: &Token| matches!(token, Token::Word(word) if word.eq_ignore_ascii_case(keyword));
        self.tokens.next_if(is).is_some()
    }

    fn either(&mut self) -> Option<Filter> {
        let mut left = self.both()?;
        while self.keyword("or") {
            left = Filter::Or(Box::new(left), Box::new(self.both()?));
        }
        Some(left)
    }

    fn both(&mut self) -> Option<Filter> {
        let mut left = self.one()?;
        while self.keyword("and") {
            left = Filter::And(Box::new(left), Box::new(self.one()?));
        }
        Some(left)
    }

    fn one(&mut self) -> Option<Filter> {
        if self.tokens.next_if_eq(&Token::Open).is_some() {
            let inner = self.either()?;
            return self.tokens.next_if_eq(&Token::Close).map(|_| inner);
        }
        let (Token::Word(attribute), Token::Word(operator), Token::Text(value)) =
            (self.tokens.next()?, self.tokens.next()?, self.tokens.next()?)
        else {
            return None;
        };
        let operator = match operator.to_ascii_lowercase().as_str() {
            "eq" => Operator::Eq,
            "co" => Operator::Co,
            "sw" => Operator::Sw,
            "gt" => Operator::Gt,
            "ge" => Operator::Ge,
            "lt" => Operator::Lt,
            "le" => Operator::Le,
            _ => return None,
        };
        Some(Filter::Compare { attribute: Attribute::parse(&attribute)?, operator, value })
    }
}

#[cfg(test)]
mod tests {
    use super::{Filter, ScimValues};

    #[test]
    fn only_supported_filters_are_parsed() {
        for good in [
            r#"displayName eq "a""#,
            r#"(displayName co "x")"#,
            r#"displayName sw "a" and domain eq "b" or id eq "c""#,
            r#"urn:scim:schemas:extension:workspace:1.0:distinguishedName EQ "CN=\"a\"\\, b""#,
        ] {
            assert!(Filter::parse(good, ScimValues::Json).is_some(), "{good}");
        }
        for bad in [
            r#"displayName ne "a""#,
            "displayName pr",
            r#"displayName ew "a""#,
            "displayName eq a",
            r#"shoeSize eq "a""#,
            r#"displayName eq "a"#,
            r#"displayName eq "a\, b""#,
            r#"(displayName eq "a""#,
            r#"displayName eq "a" and"#,
            "",
        ] {
            assert!(Filter::parse(bad, ScimValues::Json).is_none(), "{bad}");
        }
    }
}
