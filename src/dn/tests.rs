use super::*;
use proptest::prelude::{any, proptest};

#[test]
fn spellings_of_one_name_are_equal() {
    for (one, other) in [
        ("CN=gg,OU=Groups,DC=corp", "cn=GG,ou=groups,dc=CORP"),
        ("CN=gg,OU=Groups,DC=corp", " CN = gg , OU=Groups,  DC=corp "),
        ("CN=a\\, b,DC=corp", "cn=A\\2c b,dc=corp"),
        ("CN=a\"b;c<d>,DC=corp", "CN=a\\\"b\\;c\\<d\\>,DC=corp"),
        ("CN=été,DC=corp", "CN=\\C3\\A9t\\c3\\a9,DC=corp"),
        ("CN=ÉTÉ,DC=corp", "CN=été,DC=corp"),
        ("CN=\\#a\\=b,DC=corp", "CN=#a=b,DC=corp"),
        ("CN=\\\"q\\\"\\\\,DC=corp", "CN=\\22q\\22\\5c,DC=corp"),
        ("CN=gg-Mu\u{308}nchen,DC=corp", "CN=gg-M\u{fc}nchen,DC=corp"),
        ("CN=gg-MU\u{308}NCHEN,DC=corp", "CN=gg-M\\C3\\BCnchen,DC=corp"),
    ] {
        assert_eq!(Key::of(one), Key::of(other), "{one} {other}");
    }
    for (one, other) in [
        ("CN=gg,DC=corp", "CN=gg2,DC=corp"),
        ("CN=gg,DC=corp", "CN=gg,DC=corp,DC=example"),
        ("CN=a\\+b,DC=corp", "CN=a+b,DC=corp"),
        ("CN=a\\\\+b,DC=corp", "CN=a\\+b,DC=corp"),
        ("CN=a\\,DC=b", "CN=a,DC=b"),
        ("CN=a\\ ,DC=b", "CN=a,DC=b"),
        ("gg", "gg2"),
    ] {
        assert_ne!(Key::of(one), Key::of(other), "{one} {other}");
    }
}

#[test]
fn same_names_differ_only_in_escapes_and_blanks() {
    const NAME: &str = "CN=Aria\\, Mu\u{308}nchen+emailAddress=a@corp.example,O=Corp";
    for same in [
        NAME,
        "cn = Aria\\2C Mu\\CC\\88nchen+emailAddress=a@corp.example, O=Corp ",
        "CN=\\41ria\\, Mu\u{308}nchen+emailAddress=a@corp.example,O=Corp",
    ] {
        assert!(is_same(NAME, same), "{same}");
    }
    for other in [
        "CN=aria\\, Mu\u{308}nchen+emailAddress=a@corp.example,O=Corp",
        "CN=Aria\\, M\u{fc}nchen+emailAddress=a@corp.example,O=Corp",
        "CN=Aria\\, Mu\u{308}nchen\\+emailAddress=a@corp.example,O=Corp",
        "CN=Aria\\, Mu\u{308}nchen+emailAddress=a@corp.example",
        "CN=Aria\\, Mu\u{308}nchen+emailAddress=a@corp.example,O=Corp,C=DE",
        "O=Corp,CN=Aria\\, Mu\u{308}nchen+emailAddress=a@corp.example",
        "CN=Aria\\\\, Mu\u{308}nchen+emailAddress=a@corp.example,O=Corp",
        "",
    ] {
        assert!(!is_same(NAME, other), "{other}");
    }
    // A Kelvin sign is no K, and a value ends where it ends.
    assert!(!is_same("CN=K", "CN=\u{212a}") && Key::of("CN=K") == Key::of("CN=\u{212a}"));
    assert!(!is_same("CN=a", "CN=a\\ ") && !is_same("CN=a", "CN=a\0") && !is_same("CN=a", "CN=a\\00"));
}

#[test]
fn directory_form_is_what_active_directory_writes() {
    for (given, form) in [
        ("cn=gg,ou=Groups,dc=corp", "CN=gg,OU=Groups,DC=corp"),
        ("CN=Sales\\2C EMEA,DC=corp", "CN=Sales\\, EMEA,DC=corp"),
        ("CN=Sales\\, EMEA,DC=corp", "CN=Sales\\, EMEA,DC=corp"),
        ("CN=gg-M\\C3\\BCnchen,DC=corp", "CN=gg-M\u{fc}nchen,DC=corp"),
        ("CN=a=b,DC=corp", "CN=a\\=b,DC=corp"),
        ("CN=\\#a\\20,DC=corp", "CN=\\#a\\ ,DC=corp"),
        ("CN=gg\\0aCNF:5a3f,DC=corp", "CN=gg\\0ACNF:5a3f,DC=corp"),
        ("CN=a\\00\\7f\\,,DC=corp", "CN=a\\00\\7F\\,,DC=corp"),
        ("CN=a\\\\\\\"b,DC=corp", "CN=a\\\\\\\"b,DC=corp"),
        // Names without a clear form stay unchanged.
        ("CN=a+OU=b,dc=corp", "CN=a+OU=b,dc=corp"),
        ("CN=\\be,dc=corp", "CN=\\be,dc=corp"),
        ("gg", "gg"),
    ] {
        assert_eq!(directory_form(given), form);
        assert_eq!(Key::of(given), Key::of(form), "{given}");
    }
}

#[test]
fn value_and_parent_are_separated() {
    for (dn, value, parent) in [
        ("CN=gg-app,OU=Groups,DC=corp", "gg-app", "OU=Groups,DC=corp"),
        ("cn = Sales\\, EMEA\\ , ou=R\\+D, dc=corp", "Sales, EMEA ", "OU=R\\+D,DC=corp"),
        ("CN=M\\C3\\BCnchen,OU=a\\2Cb", "M\u{fc}nchen", "OU=a\\,b"),
        ("CN=a\\+b+UID=1,DC=x", "a+b", "DC=x"),
        ("CN=a=b,DC=x", "a=b", "DC=x"),
    ] {
        assert_eq!(value_and_parent(dn), Some((value.to_owned(), parent.to_owned())), "{dn}");
    }
    for dn in ["CN=gg", "gg", "gg,DC=x", ""] {
        assert_eq!(value_and_parent(dn), None, "{dn}");
    }
}

#[test]
fn domain_is_the_last_dcs() {
    assert_eq!(domain("CN=gg,DC=x,OU=Groups, dc=Corp ,DC=example").as_deref(), Some("Corp.example"));
    assert_eq!((domain("CN=gg,O=corp"), domain("")), (None, None));
}

#[test]
fn several_names_in_one_text_are_detected() {
    const ONE: &str = "CN=gg-a,OU=Groups,DC=corp,DC=example";
    for separator in [" ", ";", "; ", ",", ", ", "|", " | ", "  ", "\",\"", "','"] {
        let text = format!("{ONE}{separator}CN=gg-b,OU=Groups,DC=corp,DC=example");
        assert!(holds_several(&text), "{text}");
    }
    for text in [
        "CN=gg-a,DC=corp,DC=example,OU=x,DC=corp",
        "CN=gg-a,DC=example;gg-b@corp.example",
        "CN=gg-a,DC=example gg-b",
        "CN=gg-a,DC=example, gg-b@corp.example",
        r"CN=gg-a,DC=example\nCN=gg-b,DC=example",
        "CN=gg-a,DC=example%0ACN=gg-b,DC=example",
        "CN=gg-a,DC=example\u{ff1b}CN=gg-b,DC=example",
        "CN=gg-a,DC=example)(CN=gg-b,DC=example",
        "CN=gg-a,OU=g,O=corp CN=gg-b,OU=g,O=corp",
        "CN=gg-a,OU=g;CN=gg-b,OU=g",
        "CN=gg-a;CN=gg-b,OU=g,DC=x",
        "CN=gg-a CN=gg-b,OU=g,DC=x",
        "CN=gg-a,dc=example cn = gg-b,dc=example",
    ] {
        assert!(holds_several(text), "{text}");
    }
    for text in [
        ONE,
        "CN=a=b,DC=x",
        "CN=gg cn\\=x,DC=x",
        "CN=R;D,DC=x",
        "CN=a\\;CN\\=b,DC=x",
        "CN=Sales\\, EMEA,OU=R|D,DC=corp,DC=example",
        "CN=level o=1,DC=x",
        "CN=gg, OU=Groups, DC=corp, DC=example ",
        "CN=gg,DC=münchen,DC=my-corp_1",
        "CN=gg,DC=example,",
        "uid=gg,ou=groups,o=corp,c=de",
        "CN=gg",
    ] {
        assert!(!holds_several(text), "{text}");
    }
}

#[test]
fn names_below_a_base_are_recognised() {
    let within = |dn: &str, base: &str| Key::of(dn).is_within(&Key::of(base));
    assert!(within("CN=a,OU=Groups,DC=x", "ou=groups, dc=x"));
    assert!(within("OU=Groups,DC=x", "OU=Groups,DC=x"));
    assert!(!within("CN=a,OU=MyGroups,DC=x", "Groups,DC=x"));
    // The comma belongs to the name.
    assert!(!within("CN=a\\,OU=Groups,DC=x", "OU=Groups,DC=x"));
    assert!(!within("DC=x", "OU=Groups,DC=x"));
}

#[test]
fn intended_dns_are_recognised() {
    for dn in ["CN=gg", "cn = gg,DC=x", "2.5.4.3=gg,DC=x"] {
        assert!(is_dn(dn), "{dn}");
    }
    for name in ["gg", "gg@corp.example", "=gg", "a b=c", "gg, a=b", ""] {
        assert!(!is_dn(name), "{name}");
    }
}

#[test]
fn only_meaningless_blanks_are_removed() {
    let tidied = |dn| tidy(dn).unwrap();
    assert_eq!(tidied("CN = Gg , OU=Groups, DC=corp"), "CN=Gg,OU=Groups,DC=corp");
    assert_eq!(tidied("CN=a\\, b\\ ,DC=x"), "CN=a\\, b\\ ,DC=x");
    assert_eq!(tidied("CN=a\\\\,DC=x"), "CN=a\\\\,DC=x");
    for (dn, told) in [
        ("CN=Sales, EMEA,DC=corp", "a comma within a name"),
        ("CN=gg,", "each part"),
        ("CN=gg,=x", "each part"),
        ("CN=,DC=x", "no value"),
        ("CN=gg\\", "backslash"),
    ] {
        assert!(tidy(dn).unwrap_err().contains(told), "{dn}: {:?}", tidy(dn));
    }
}

proptest! {
    #[test]
    fn any_text_equals_itself(text in "\\PC{0,40}", base in any::<String>()) {
        assert_eq!(Key::of(&text), Key::of(&text));
        assert!(Key::of(&format!("CN=a,{base}")).is_within(&Key::of(&base)));
        if let Ok(tidied) = tidy(&text) {
            assert_eq!(Key::of(&tidied), Key::of(&text), "{tidied:?}");
            assert_eq!(tidy(&tidied).as_deref(), Ok(tidied.as_str()));
        }
    }
}
