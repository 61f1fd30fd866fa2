<#
.SYNOPSIS
Keeps an identity source of SDDC Manager with PowerVCF, through idhook's gate: an API key of idhook takes the place of the administrator's
password.

.DESCRIPTION
Adds the source if SDDC Manager has none of its domain, and otherwise changes it to the specification with the password in LDAP_PASSWORD. Needs
the module PowerVCF 2.4.1 (Install-Module PowerVCF), in Windows PowerShell 5.1 or PowerShell 7.

PowerVCF prints the errors of its calls and continues, so this script looks for them and throws. The cmdlets cannot compare and have no dry
run: Set-VcfIdentitySource.ps1 has both.

The key is read from the environment variable IDHOOK_KEY; its scopes are vcf:read and vcf:write.

.PARAMETER Server
Host name of idhook: idhook.example

.PARAMETER File
SDDC Manager's specification of the source, without the password.

.PARAMETER Target
Name of the VCF target in idhook's configuration.

.EXAMPLE
.\Set-VcfIdentitySource.PowerVCF.ps1 -Server idhook.example -File .\identity-source.json
#>
[CmdletBinding()]
param(
    [Parameter(Mandatory)] [string] $Server,
    [Parameter(Mandatory)] [string] $File,
    [string] $Target = 'default'
)

$ErrorActionPreference = 'Stop'
foreach ($name in 'IDHOOK_KEY', 'LDAP_PASSWORD') {
    if (-not [Environment]::GetEnvironmentVariable($name)) { throw "$name is not set" }
}
Import-Module PowerVCF

# PowerVCF catches the errors of its calls. PowerShell records them all the same.
function Assert-NoFailedCall {
    $failed = $Global:Error | Where-Object { $_ -is [Management.Automation.ErrorRecord] -and $_.FullyQualifiedErrorId -like 'WebCmdlet*' } |
        Select-Object -First 1
    if ($failed) { throw "a call failed: $($failed.Exception.Message) $($failed.ErrorDetails)" }
}

# The domains of the embedded provider's sources.
function Get-Domain {
    $embedded = Get-VCFIdentityProvider | Where-Object { $_.type -eq 'Embedded' }
    Assert-NoFailedCall
    $embedded.identitySources | ForEach-Object { $_.domainNames }
}

# The gate does not read the user name. PowerVCF keeps the token in a global variable and refreshes it before each call.
$Global:Error.Clear()
Request-VCFToken -fqdn "$Server/vcf/$Target" -username idhook -password $env:IDHOOK_KEY | Out-Null
Assert-NoFailedCall

$spec = Get-Content -LiteralPath $File -Raw | ConvertFrom-Json
$domain = $spec.ldap.domainName
if (-not $domain) { throw "$File has no ldap.domainName" }
$spec.ldap | Add-Member -NotePropertyName password -NotePropertyValue $env:LDAP_PASSWORD -Force

# PowerVCF reads the specification from a file, in the code page of the machine: other characters than ASCII are escaped. The file is in the
# user's own temporary folder, and removed in any case.
$json = ConvertTo-Json $spec -Depth 10
$json = [Regex]::Replace($json, '[^\x00-\x7F]', { param($found) '\u{0:x4}' -f [int] $found.Value[0] })
$place = [IO.Path]::GetTempFileName()
try {
    [IO.File]::WriteAllText($place, $json)
    if (@(Get-Domain) -contains $domain) {
        Update-VCFIdentityProvider -type Embedded -domainName $domain -json $place | Out-Null
    } else {
        New-VCFIdentityProvider -type Embedded -json $place | Out-Null
    }
    Assert-NoFailedCall
} finally {
    Remove-Item -LiteralPath $place -Force
}

if (@(Get-Domain) -notcontains $domain) { throw "SDDC Manager shows no identity source of $domain" }
Get-VCFIdentityProvider | Where-Object { $_.type -eq 'Embedded' } | ForEach-Object { $_.identitySources } |
    Where-Object { $_.domainNames -contains $domain }
