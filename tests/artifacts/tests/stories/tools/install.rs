//! Tools of other ecosystems, of exactly one version: installed below `target/tools` on first use, and kept for the next.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};

/// By folder: who holds it installs there, and the others wait.
static TURNS: Mutex<BTreeMap<PathBuf, Arc<Mutex<()>>>> = Mutex::new(BTreeMap::new());

/// A Python environment with these packages: the folder of its programs, `python` among them. Where it cannot be had, says so and
/// gives `None`. A package is a line of a requirements file: `name==version`, or `name==version --hash=sha256:…`.
pub(crate) fn python(packages: &[&str]) -> Option<PathBuf> {
    let folder = installed("python", packages, |folder| {
        run(Command::new("python3").args(["-m", "venv"]).arg(folder))?;
        let requirements = folder.join("requirements.txt");
        std::fs::write(&requirements, packages.join("\n")).map_err(|e| e.to_string())?;
        let pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--requirement"];
        run(Command::new(folder.join("bin/python")).args(pip).arg(requirements))
    })?;
    Some(folder.join("bin"))
}

/// A folder in which Node.js finds these packages (`name@version`). Where it cannot be had, says so and gives `None`.
pub(crate) fn npm(packages: &[&str]) -> Option<PathBuf> {
    installed("npm", packages, |folder| {
        std::fs::create_dir_all(folder).map_err(|e| e.to_string())?;
        // Else npm looks for a package.json further up.
        std::fs::write(folder.join("package.json"), "{\"private\": true}").map_err(|e| e.to_string())?;
        let install =
            ["install", "--ignore-scripts", "--no-audit", "--no-fund", "--no-package-lock", "--loglevel=error"];
        run(Command::new("npm").current_dir(folder).args(install).args(packages))
    })
}

/// jco, which makes JavaScript of a component or serves one.
pub(crate) const JCO: &str = "@bytecodealliance/jco@1.35.0";

/// jco's program; as [`npm`].
pub(crate) fn jco() -> Option<PathBuf> {
    Some(npm(&[JCO])?.join("node_modules/@bytecodealliance/jco/dist/jco.js"))
}

fn installed(kind: &str, packages: &[&str], install: impl FnOnce(&Path) -> Result<(), String>) -> Option<PathBuf> {
    let names = packages.iter().filter_map(|package| package.split(' ').next());
    let name = [kind].into_iter().chain(names).collect::<Vec<_>>().join("-").replace(['/', '@'], "-");
    let folder = xtask::build::root().join("target/tools").join(name);
    let turn = TURNS.lock().unwrap_or_else(PoisonError::into_inner).entry(folder.clone()).or_default().clone();
    let _turn = turn.lock().unwrap_or_else(PoisonError::into_inner);
    let done = folder.join("installed");
    if done.exists() {
        return Some(folder);
    }
    // The rest of an interrupted installation.
    let _ = std::fs::remove_dir_all(&folder);
    match install(&folder) {
        Ok(()) => {
            std::fs::write(done, "").unwrap();
            Some(folder)
        }
        Err(e) => {
            crate::tools::skip(&format!("{} cannot be installed: {e}", packages.join(" ")));
            None
        }
    }
}

fn run(command: &mut Command) -> Result<(), String> {
    let done = command.stdin(Stdio::null()).output().map_err(|e| format!("{command:?}: {e}"))?;
    let said =
        || format!("{command:?}: {}{}", String::from_utf8_lossy(&done.stdout), String::from_utf8_lossy(&done.stderr));
    if done.status.success() { Ok(()) } else { Err(said()) }
}
