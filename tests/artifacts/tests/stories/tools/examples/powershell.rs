//! `examples/powershell`, and the PowerShell scripts of `examples/vcf`: read by a grammar of PowerShell, because no PowerShell is available where the tests run.

use std::process::Command;

use super::folder;
use crate::tools::install;
use crate::tools::programs;

#[tokio::test]
async fn powershell_scripts_parse_and_define_before_use() {
    let packages = ["tree-sitter==0.25.2", "tree-sitter-powershell==0.26.4"];
    let Some(bin) = install::python(&packages) else { return };
    for script in [
        folder("powershell").join("Sync-VidmDirectory.ps1"),
        folder("vcf").join("Set-VcfIdentitySource.ps1"),
        folder("vcf").join("Set-VcfIdentitySource.PowerVCF.ps1"),
    ] {
        let mut command = Command::new(bin.join("python"));
        command.args(["-c", include_str!("powershell.py")]).arg(&script);
        let end = programs::run(command).await;
        assert!(end.is_good, "{}: {}", script.display(), end.said());
        // Windows PowerShell reads a file without a byte order mark in the machine's code page.
        assert!(std::fs::read(script).unwrap().is_ascii());
    }
}
