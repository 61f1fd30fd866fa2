//! `cargo xtask completions`: what the shell completes after `cargo xtask`.

use std::io::Write as _;

use anyhow::Result;
use clap::{Arg, ArgMatches, Command, value_parser};
use clap_complete::{Shell, generate};

/// The subcommand's name.
pub const NAME: &str = "completions";

/// The function that cargo's own completion in zsh calls for `cargo xtask`: the function `_cargo-xtask`.
const IN_ZSH: &str = "cargo-xtask";

/// The name elsewhere. In bash's script a hyphen in it would be taken for a space.
const NAME_OF_ALL: &str = "xtask";

/// The addition for bash: cargo's own completion goes on, except after the aliases.
const BASH: &str = r#"
_idhook_cargo() {
    case "${COMP_WORDS[1]}" in
    xtask) COMP_WORDS=(xtask "${COMP_WORDS[@]:2}"); COMP_CWORD=$((COMP_CWORD - 1)) ;;
    demo | serve | simulator) COMP_WORDS=(xtask "${COMP_WORDS[@]:1}") ;;
    *) [ -n "$_idhook_cargo_before" ] && "$_idhook_cargo_before" "$@"; return ;;
    esac
    _xtask xtask "$2" "$3"
}
if ! complete -p cargo 2>/dev/null | grep -q _idhook_cargo; then
    _idhook_cargo_before=$(complete -p cargo 2>/dev/null | sed -n 's/.*-F \([^ ]*\).*/\1/p')
fi
complete -F _idhook_cargo -o bashdefault -o default cargo
"#;

/// The output of `cargo xtask completions --help`.
#[must_use]
pub fn command() -> Command {
    Command::new(NAME)
        .about("Prints a completion script for your shell")
        .after_help(
            "bash:        eval \"$(cargo xtask completions bash)\"\nzsh:         eval \"$(cargo xtask completions zsh)\"\nfish:        \
             cargo xtask completions fish | source\nPowerShell:  cargo xtask completions powershell | Out-String | Invoke-Expression\n\n\
             In bash, fish and PowerShell this completes `cargo xtask …`; bash also completes `cargo demo`, `cargo serve` and \
             `cargo simulator`. In zsh it needs cargo's own completion.",
        )
        .arg(
            Arg::new("shell")
                .value_name("SHELL")
                .required(true)
                .value_parser(value_parser!(Shell))
                .help("bash, zsh, fish, powershell or elvish")
                .hide_possible_values(true),
        )
}

/// Prints the script that completes `root`.
///
/// # Errors
/// When stdout cannot be written.
pub fn run(matches: &ArgMatches, root: Command) -> Result<()> {
    let shell = matches.get_one::<Shell>("shell").copied().unwrap_or(Shell::Bash);
    std::io::stdout().write_all(script(shell, root).as_bytes())?;
    Ok(())
}

fn script(shell: Shell, root: Command) -> String {
    let mut script = Vec::new();
    // `cargo demo` is a name for people, not a place in the tree of commands.
    let root = root
        .bin_name(clap::builder::Resettable::Reset)
        .mut_subcommands(|command| command.bin_name(clap::builder::Resettable::Reset));
    match shell {
        // Their scripts add to what cargo completes; those of bash and zsh would replace it.
        Shell::Fish | Shell::PowerShell => {
            generate(shell, &mut Command::new("cargo").subcommand(root.name(NAME_OF_ALL)), "cargo", &mut script);
        }
        Shell::Zsh => generate(shell, &mut root.name(IN_ZSH), IN_ZSH, &mut script),
        _ => generate(shell, &mut root.name(NAME_OF_ALL), NAME_OF_ALL, &mut script),
    }
    let script = String::from_utf8_lossy(&script).into_owned();
    if shell == Shell::Bash { script + BASH } else { script }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_shell_gets_a_script_with_every_command() {
        for shell in [Shell::Bash, Shell::Zsh, Shell::Fish, Shell::PowerShell, Shell::Elvish] {
            let script = script(shell, crate::cli::command());
            for word in ["doctor", "simulator", "vidm-url", "extend"] {
                assert!(script.contains(word), "{shell}: {word}");
            }
        }
    }

    #[test]
    #[cfg(unix)]
    fn bash_completes_the_commands_and_their_options() {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(script(Shell::Bash, crate::cli::command()).as_bytes()).unwrap();
        let complete = |words: &str, last: &str| {
            let count = words.split(' ').count();
            let program = format!(
                "source {}; COMP_WORDS=({words} '{last}'); COMP_CWORD={count}; _idhook_cargo cargo '{last}' ''; echo \
                 \"${{COMPREPLY[@]}}\"",
                file.path().display()
            );
            let Ok(done) = std::process::Command::new("bash").args(["-c", &program]).output() else { return None };
            Some(String::from_utf8(done.stdout).unwrap().trim().to_owned())
        };
        // Where there is no bash there is nothing to try.
        let Some(commands) = complete("cargo xtask", "doct") else { return };
        assert_eq!(commands, "doctor");
        assert_eq!(complete("cargo xtask key", "--ex").unwrap(), "--extend");
        assert_eq!(complete("cargo demo", "--on").unwrap(), "--once");
    }
}
