//! Oddities in a group's name: traces of an encoding, a template or a text processor. None is certainly wrong, so nothing is
//! rejected; the hint for an absent group lists them.

use crate::dn;
use crate::template;

/// At most this many oddities of one name are reported.
const MOST: usize = 4;

/// How many characters of a name are shown in a message.
const SHOWN: usize = 60;

/// The beginning of a text, safe to show in a message: invisible characters appear as code points.
pub(super) fn shown(text: &str) -> String {
    let mut shown = String::new();
    for (at, c) in text.chars().enumerate() {
        if at == SHOWN {
            shown.push('…');
            break;
        }
        match c {
            c if c.is_control() || is_invisible(c) => shown.push_str(&format!("<U+{:04X}>", u32::from(c))),
            c => shown.push(c),
        }
    }
    shown
}

/// The oddities in a group's name or DN, each worded to follow the name, with a fix; empty if there are none.
pub(super) fn oddities(text: &str) -> Vec<String> {
    let checks: [fn(&str) -> Option<String>; 15] = [
        mojibake,
        entity,
        percent,
        quoted_printable,
        escape,
        self::template,
        lost_letter,
        invisible,
        blank,
        combining,
        typography,
        script,
        separator,
        plus,
        whole,
    ];
    checks.iter().filter_map(|check| check(text)).take(MOST).collect()
}

/// The oddities of a name as one clause, for a group that was not found; `None` if it has none.
pub(crate) fn doubt(name: &str) -> Option<String> {
    let oddities = oddities(name);
    (!oddities.is_empty()).then(|| format!("the name {}", oddities.join("; it ")))
}

fn code(c: char) -> String {
    format!("U+{:04X}", u32::from(c))
}

/// `Ã¼`: UTF-8 that was read as Windows-1252.
fn mojibake(text: &str) -> Option<String> {
    text.split(|c: char| c.is_ascii() && !c.is_control()).filter(|run| !run.is_empty()).find_map(|run| {
        let bytes: Option<Vec<u8>> = run.chars().map(windows_1252).collect();
        let read = String::from_utf8(bytes?).ok().filter(|read| !read.chars().any(char::is_control))?;
        Some(format!(
            "contains \"{}\", which is UTF-8 read as Windows-1252: \"{read}\" was meant; send UTF-8",
            shown(run)
        ))
    })
}

/// The byte that Windows-1252, or Latin-1 for undefined bytes, reads as this character.
fn windows_1252(c: char) -> Option<u8> {
    const HIGH: &str = "€\u{81}‚ƒ„…†‡ˆ‰Š‹Œ\u{8d}Ž\u{8f}\u{90}‘’“”•–—˜™š›œ\u{9d}žŸ";
    match HIGH.chars().position(|high| high == c) {
        Some(at) => u8::try_from(at + 0x80).ok(),
        None => u8::try_from(u32::from(c)).ok(),
    }
}

/// `&amp;`, `&#252;`, `&#xFC;`
fn entity(text: &str) -> Option<String> {
    text.match_indices('&').find_map(|(at, _)| {
        let (name, _) = text.get(at + 1..)?.split_once(';')?;
        let is_number = |digits: &str| match digits.strip_prefix(['x', 'X']) {
            Some(hex) => !hex.is_empty() && hex.chars().all(|c| c.is_ascii_hexdigit()),
            None => !digits.is_empty() && digits.chars().all(|c| c.is_ascii_digit()),
        };
        let is_name = (2..=8).contains(&name.len()) && name.chars().all(|c| c.is_ascii_alphanumeric());
        let is_entity = name.strip_prefix('#').map_or(is_name, is_number);
        is_entity.then(|| format!("contains \"&{name};\": the sender escaped it for XML or HTML"))
    })
}

/// The first run of `mark` and two hexadecimal digits.
fn hex_run(text: &str, mark: char) -> Option<&str> {
    text.match_indices(mark).find_map(|(at, _)| {
        let rest = text.get(at..)?;
        let mut length = 0;
        while let Some(three) = rest.get(length..length + 3)
            && three.starts_with(mark)
            && three.get(1..).is_some_and(|digits| digits.chars().all(|c| c.is_ascii_hexdigit()))
        {
            length += 3;
        }
        rest.get(..length).filter(|run| !run.is_empty())
    })
}

/// `%20`, `%C3%BC`
fn percent(text: &str) -> Option<String> {
    hex_run(text, '%').map(|run| format!("contains \"{}\": the sender percent-encoded it", shown(run)))
}

/// `=C3=BC`
fn quoted_printable(text: &str) -> Option<String> {
    let run = hex_run(text, '=').filter(|run| run.len() >= 6 && !run.chars().any(|c| c.is_ascii_lowercase()))?;
    Some(format!("contains \"{}\": it is encoded for mail (quoted-printable)", shown(run)))
}

/// `\u00fc`, `\xfc`, and any backslash in a name that is not a DN.
fn escape(text: &str) -> Option<String> {
    let twice = text.match_indices('\\').find_map(|(at, _)| {
        let rest = text.get(at + 1..)?;
        let digits = if rest.starts_with('u') {
            4
        } else if rest.starts_with('x') {
            2
        } else {
            return None;
        };
        let is_hex = rest.get(1..=digits)?.chars().all(|c| c.is_ascii_hexdigit());
        if is_hex { rest.get(..=digits) } else { None }
    });
    if let Some(twice) = twice {
        return Some(format!("contains \"\\{twice}\": it was escaped twice for JSON or a program"));
    }
    (!dn::is_dn(text) && text.contains('\\')).then(|| {
        "contains a backslash: only DNs have escapes, and a Windows name (CORP\\name) is written name@domain".to_owned()
    })
}

/// Unreplaced templates (those that never occur in a name were rejected before), `$name`, and programs' texts for objects.
fn template(text: &str) -> Option<String> {
    const WORDS: &[&str] = &["System.Object[]", "System.String[]", "undefined", "<nil>"];
    let is_variable = |(at, _): (usize, &str)| {
        text.get(at + 1..).is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_'))
    };
    let form = WORDS.iter().find(|word| text.contains(**word)).copied();
    let form = form.or_else(|| template::resembled(text).filter(|form| *form != "%…%" || percent(text).is_none()));
    let form = form.or_else(|| text.match_indices('$').any(is_variable).then_some("$…"))?;
    Some(format!("contains {form}, which looks like an unreplaced template"))
}

/// `gg-M?nchen`
fn lost_letter(text: &str) -> Option<String> {
    let c = text.chars().find(|c| matches!(c, '?' | '\u{fffd}' | '\u{1a}' | '□' | '¿'))?;
    // A message has no control characters.
    let shown = if c.is_control() { code(c) } else { format!("\"{c}\" ({})", code(c)) };
    Some(format!("contains {shown}, with which encodings replace a letter: send UTF-8"))
}

fn is_invisible(c: char) -> bool {
    matches!(u32::from(c),
        0xad | 0x34f | 0x61c | 0x115f | 0x1160 | 0x17b4 | 0x17b5 | 0x180b..=0x180f | 0x200b..=0x200f | 0x202a..=0x202e
        | 0x2060..=0x206f | 0x2800 | 0x3164 | 0xfe00..=0xfe0f | 0xfeff | 0xffa0 | 0xfff9..=0xfffb | 0xe0000..=0xe0fff)
}

fn invisible(text: &str) -> Option<String> {
    let c = text.chars().find(|c| is_invisible(*c))?;
    Some(format!("contains {}, which is invisible: type the name instead of pasting it", code(c)))
}

fn blank(text: &str) -> Option<String> {
    if let Some(c) = text.chars().find(|c| c.is_whitespace() && *c != ' ') {
        return Some(format!("contains {}, which only looks like a blank: type a blank", code(c)));
    }
    let is_name = !dn::is_dn(text);
    let is_doubled = text.contains("  ");
    (is_doubled || (is_name && (text.contains(" @") || text.contains("@ "))))
        .then(|| "contains an extra blank".to_owned())
}

/// Combining marks. Both forms are looked up, so this is reported only if neither exists.
fn combining(text: &str) -> Option<String> {
    let mark = text.chars().find(|c| {
        matches!(u32::from(*c),
            0x300..=0x36f | 0x1161..=0x11ff | 0x1ab0..=0x1aff | 0x1dc0..=0x1dff | 0x20d0..=0x20ff | 0x3099 | 0x309a
            | 0xfe20..=0xfe2f)
    })?;
    Some(format!(
        "contains combining characters ({}), as macOS writes them; composed letters were looked up too",
        code(mark)
    ))
}

/// Characters that a text processor puts in place of quotation marks, hyphens, dots and letter pairs.
fn typography(text: &str) -> Option<String> {
    let c = text.chars().find(|c| {
        matches!(
            c,
            '‘' | '’'
                | '‚'
                | '‛'
                | '“'
                | '”'
                | '„'
                | '‟'
                | '‹'
                | '›'
                | '«'
                | '»'
                | '′'
                | '″'
                | '´'
                | '…'
                | '‐'
                | '‑'
                | '‒'
                | '–'
                | '—'
                | '―'
                | '−'
                | '＠'
                | '＝'
                | '，'
        ) || matches!(u32::from(*c), 0xfb00..=0xfb06 | 0xff01..=0xff5e)
    })?;
    Some(format!("contains \"{c}\" ({}), which a text processor put in place of the typed character", code(c)))
}

/// Letters of another script between Latin ones: `а` is not `a`.
fn script(text: &str) -> Option<String> {
    let is_other = |c: char| matches!(u32::from(c), 0x370..=0x52f);
    text.split(|c: char| !c.is_alphanumeric()).find_map(|word| {
        let other = word.chars().find(|c| is_other(*c) && c.is_alphabetic())?;
        word.chars()
            .any(|c| c.is_ascii_alphabetic())
            .then(|| format!("contains \"{other}\" ({}), a Greek or Cyrillic letter among Latin ones", code(other)))
    })
}

/// Separators inside a name.
fn separator(text: &str) -> Option<String> {
    let c = text.chars().find(|c| matches!(c, ';' | '|') || (*c == ',' && !dn::is_dn(text)))?;
    // The end of an entity.
    (c != ';' || entity(text).is_none()).then(|| format!("contains \"{c}\": if these are several names, send a list"))
}

/// `gg+new`, a form's encoding of a blank. In a DN it joins two values.
fn plus(text: &str) -> Option<String> {
    let is_bare = |(at, _): &(usize, &str)| !text.get(..*at).is_some_and(|before| before.ends_with('\\'));
    let found = text.match_indices('+').any(|place| is_bare(&place));
    (found && (dn::is_dn(text) || !text.contains(' '))).then(|| {
        "contains \"+\": forms encode a blank as +, and in a DN + joins two values unless written \\+".to_owned()
    })
}

/// A DN that stops before its domain.
fn whole(text: &str) -> Option<String> {
    (dn::is_dn(text) && !dn::Key::of(text).has_domain() && !text.to_ascii_lowercase().contains(",o="))
        .then(|| "is an incomplete DN: it ends before the domain (DC=…)".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn odd_names_are_explained() {
        for (name, oddity) in [
            ("CN=R&amp;D,OU=Groups,DC=corp,DC=example", "contains \"&amp;\": the sender escaped it for XML"),
            ("CN=gg-M&#252;nchen,DC=corp", "\"&#252;\""),
            ("gg-M&#xFC;nchen@corp.example", "\"&#xFC;\""),
            ("gg-M&uuml;nchen@corp.example", "\"&uuml;\""),
            ("gg%20new@corp.example", "contains \"%20\": the sender percent-encoded it"),
            ("CN=gg-M%C3%BCnchen,DC=corp", "\"%C3%BC\""),
            ("CN=gg-M=C3=BCnchen,DC=corp", "quoted-printable"),
            ("gg-M\u{fffd}nchen@corp.example", "U+FFFD"),
            ("gg-M?nchen@corp.example", "contains \"?\" (U+003F), with which encodings replace a letter"),
            ("gg-M\u{1a}nchen@corp.example", "contains U+001A, with which encodings replace a letter"),
            ("CN=gg-Mu\u{308}nchen,DC=corp", "combining characters (U+0308)"),
            ("gg-か\u{3099}@corp.example", "combining characters (U+3099)"),
            ("gg-\u{1112}\u{1161}\u{11ab}@corp.example", "combining characters (U+1161)"),
            ("gg\u{a0}new@corp.example", "U+00A0, which only looks like a blank"),
            ("gg\u{3000}new@corp.example", "U+3000"),
            ("CN=gg\u{200b}new,DC=corp", "U+200B, which is invisible"),
            ("gg-new\u{feff}@corp.example", "U+FEFF"),
            ("gg\u{ad}new@corp.example", "U+00AD"),
            ("gg\u{202e}new@corp.example", "U+202E"),
            ("gg\u{2060}new@corp.example", "U+2060"),
            ("gg-\u{e0041}new@corp.example", "U+E0041"),
            ("“gg”-new@corp.example", "U+201C"),
            ("gg’s@corp.example", "U+2019"),
            ("gg–new@corp.example", "U+2013"),
            ("gg\u{2011}new@corp.example", "U+2011"),
            ("o\u{fb03}ce@corp.example", "U+FB03"),
            ("ｇｇ@corp.example", "U+FF47"),
            ("gg-MÃ¼nchen@corp.example", "contains \"Ã¼\", which is UTF-8 read as Windows-1252: \"ü\" was meant"),
            ("CN=gg-Ã–sterreich,DC=corp", "\"Ö\" was meant"),
            ("gg-StraÃŸe@corp.example", "\"ß\" was meant"),
            ("gg-Åódź@corp.example", ""),
            ("gg â€“ new@corp.example", "\"–\" was meant"),
            ("ÐœÐ¾ÑÐºÐ²Ð°@corp.example", ""),
            (r"gg-M\u00fcnchen@corp.example", r#"contains "\u00fc": it was escaped twice"#),
            (r"CN=gg-M\xfcnchen,DC=corp", r#"contains "\xfc""#),
            (r"CORP\gg-new@corp.example", "CORP\\name"),
            ("CN=$(group),DC=corp", "$(…), which looks like an unreplaced template"),
            ("%GROUP%@corp.example", "%…%"),
            ("CN=@{name},DC=corp", "@{…}"),
            ("CN=<%= group %>,DC=corp", "<%…%>"),
            ("#{group}@corp.example", "#{…}"),
            ("CN=<no value>,DC=corp", "<no value>"),
            ("$group@corp.example", "$…"),
            ("CN=System.Object[],OU=Groups,DC=corp", "System.Object[]"),
            ("undefined@corp.example", "undefined"),
            ("gg  new@corp.example", "an extra blank"),
            ("gg-new @corp.example", "an extra blank"),
            ("gg-nеw@corp.example", "U+0435"),
            ("gg-a;gg-b@corp.example", "contains \";\": if these are several names"),
            ("gg-a, gg-b@corp.example", "contains \",\""),
            ("gg+new@corp.example", "contains \"+\""),
            ("CN=gg+new,DC=corp", "contains \"+\""),
            ("CN=gg-new", "is an incomplete DN"),
            ("CN=gg-new,OU=Groups", "is an incomplete DN"),
        ] {
            let oddities = oddities(name);
            assert!(oddity.is_empty() || oddities.iter().any(|found| found.contains(oddity)), "{name}: {oddities:?}");
        }
    }

    #[test]
    fn ordinary_names_are_not_odd() {
        for name in [
            "CN=gg-new,OU=Groups,DC=corp,DC=example",
            "gg-new@corp.example",
            "CN=Sales\\, EMEA,OU=Groups,DC=corp,DC=example",
            "Grüße aus Köln@corp.example",
            "gg-Łódź@corp.example",
            "Zürich@corp.example",
            "Ärzte und Schwestern@corp.example",
            "Ñandú çà è ê ï@corp.example",
            "Москва@corp.example",
            "Αθήνα@corp.example",
            "東京@corp.example",
            "gg-ガ@corp.example",
            "한국@corp.example",
            "R&D; x@corp.example",
            "AT&T@corp.example",
            "100% sure@corp.example",
            "C++ developers@corp.example",
            "Team \"A\"@corp.example",
            "CN=C\\+\\+ Team,OU=Groups,DC=corp,DC=example",
            "cn=gg,ou=groups,o=corp",
            "US$ traders@corp.example",
            "ALL USERS@System Domain",
        ] {
            let is_separator = |oddity: &String| oddity.contains("several names");
            assert!(oddities(name).iter().all(is_separator), "{name}: {:?}", oddities(name));
        }
    }

    #[test]
    fn oddities_of_one_name_are_bounded() {
        let name = "CN=&amp;%20\u{a0}\u{200b}?“$(x)Ã¼,OU=x";
        assert_eq!(oddities(name).len(), MOST);
        assert_eq!(shown("a\u{200b}b"), "a<U+200B>b");
        assert!(shown(&"x".repeat(1_000)).chars().count() == SHOWN + 1);
    }
}
