//! Programs that check the syntax of code blocks, where they are installed. With `CI` set a missing program is a failure.

use std::path::Path;
use std::process::{Command, Stdio};

/// A language, and the program that reads a file of it without running it.
pub(crate) struct Checker {
    pub(crate) languages: &'static [&'static str],
    pub(crate) extension: &'static str,
    program: &'static str,
    arguments: &'static [&'static str],
}

pub(crate) const CHECKERS: [Checker; 4] = [
    Checker { languages: &["sh", "bash"], extension: "sh", program: "bash", arguments: &["-n"] },
    Checker {
        languages: &["python", "py"],
        extension: "py",
        program: "python3",
        arguments: &["-c", "import ast, sys; ast.parse(open(sys.argv[1], encoding='utf-8').read())"],
    },
    Checker { languages: &["js", "javascript", "mjs"], extension: "mjs", program: "node", arguments: &["--check"] },
    Checker { languages: &["cjs"], extension: "cjs", program: "node", arguments: &["--check"] },
];

impl Checker {
    /// Whether the program is there.
    pub(crate) fn is_installed(&self) -> bool {
        let found = Command::new(self.program).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
        let is_installed = found.is_ok_and(|status| status.success());
        assert!(is_installed || std::env::var_os("CI").is_none(), "{} is not installed", self.program);
        is_installed
    }

    /// The program's message about a file, if it finds a mistake.
    pub(crate) fn fault(&self, file: &Path) -> Option<String> {
        let output = Command::new(self.program).args(self.arguments).arg(file).output().unwrap();
        (!output.status.success()).then(|| String::from_utf8_lossy(&output.stderr).into_owned())
    }
}
