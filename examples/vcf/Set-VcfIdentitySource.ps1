<#
.SYNOPSIS
Keeps an identity source of SDDC Manager's embedded identity provider as a JSON file says, through idhook, or sets only its password.

.DESCRIPTION
Adds the source, changes it, or leaves it alone; with -Rotate it sets only the password of the account that reads the directory, unless the
source changes meanwhile. Runs in Windows PowerShell 5.1 and in PowerShell 7, without a module.

The key is read from the environment variable IDHOOK_KEY; its scopes are vcf:read and vcf:write. The password is read from LDAP_PASSWORD.

Returns the outcome as an object. Otherwise throws: run by powershell -File the exit code is 1. -WhatIf changes nothing and returns what would
be done.

.PARAMETER Url
Address of idhook: https://idhook.example

.PARAMETER File
SDDC Manager's specification of the source, without the password. With -Rotate only its domain is read.

.PARAMETER Rotate
Set only the password.

.PARAMETER Target
Name of the VCF target in idhook's configuration.

.EXAMPLE
$env:IDHOOK_KEY = Get-Secret idhook -AsPlainText
$env:LDAP_PASSWORD = Get-Secret ldap -AsPlainText
.\Set-VcfIdentitySource.ps1 -Url https://idhook.example -File .\identity-source.json -WhatIf
#>
[CmdletBinding(SupportsShouldProcess)]
param(
    [Parameter(Mandatory)] [string] $Url,
    [Parameter(Mandatory)] [string] $File,
    [switch] $Rotate,
    [string] $Target = 'default'
)

Set-StrictMode -Version Latest
$ErrorActionPreference = 'Stop'
$ProgressPreference = 'SilentlyContinue'
foreach ($name in 'IDHOOK_KEY', 'LDAP_PASSWORD') {
    if (-not [Environment]::GetEnvironmentVariable($name)) { throw "$name is not set" }
}
# Windows PowerShell on an older Windows offers TLS 1.0 by default.
[Net.ServicePointManager]::SecurityProtocol = [Net.ServicePointManager]::SecurityProtocol -bor [Net.SecurityProtocolType]::Tls12

# A property of an object that may not have it.
function Get-Field($Object, [string] $Name) {
    if ($null -ne $Object -and $Object.PSObject.Properties[$Name]) { $Object.$Name }
}

# The text of an error's answer, or nothing.
function Get-AnswerText($ErrorRecord) {
    $text = Get-Field $ErrorRecord.ErrorDetails 'Message'
    $answer = Get-Field $ErrorRecord.Exception 'Response'
    if (-not $text -and $answer -is [Net.HttpWebResponse]) {
        # Windows PowerShell keeps the text of some answers in the stream.
        $stream = $answer.GetResponseStream()
        $stream.Position = 0
        $text = (New-Object IO.StreamReader($stream, [Text.Encoding]::UTF8)).ReadToEnd()
    }
    "$text"
}

# One request, again after failures that may pass; the pause is idhook's retryAfter. Returns the document.
function Invoke-Idhook([string] $Method, [string] $Uri, $Body, [string] $IfMatch) {
    $headers = @{ Authorization = "Bearer $env:IDHOOK_KEY"; Accept = 'application/json' }
    if ($IfMatch) { $headers['If-Match'] = $IfMatch }
    $request = @{ Method = $Method; Uri = $Uri; Headers = $headers; TimeoutSec = 60; UseBasicParsing = $true }
    if ($null -ne $Body) {
        # As bytes: Windows PowerShell sends a text in another encoding than UTF-8.
        $request.Body = [Text.Encoding]::UTF8.GetBytes((ConvertTo-Json $Body -Compress -Depth 10))
        $request.ContentType = 'application/json; charset=utf-8'
    }
    for ($attempt = 1; ; $attempt++) {
        try {
            return Invoke-RestMethod @request
        } catch {
            $text = Get-AnswerText $_
            if (-not $text) { throw "idhook cannot be reached: $($_.Exception.Message)" }
            try { $problem = $text | ConvertFrom-Json } catch { $problem = $null }
            if (-not (Get-Field $problem 'code')) {
                throw "idhook returned no problem document: $($text.Substring(0, [Math]::Min(300, $text.Length)))"
            }
            $fields = @(Get-Field $problem 'errors') | Where-Object { $_ } | ForEach-Object { "$($_.pointer): $($_.detail)" }
            $parts = @("$($problem.code): $($problem.detail)"; $fields; Get-Field $problem 'hint') | Where-Object { $_ }
            if ($attempt -ge 5 -or -not (Get-Field $problem 'retryable')) { throw ($parts -join '; ') }
            $pause = Get-Field $problem 'retryAfter'
            if (-not $pause) { $pause = 2 }
            Write-Verbose "retrying after $pause s: $($parts -join '; ')"
            Start-Sleep -Seconds ([Math]::Min($pause, 60))
        }
    }
}

$spec = [IO.File]::ReadAllText((Resolve-Path -LiteralPath $File).Path, [Text.Encoding]::UTF8) | ConvertFrom-Json
$domain = Get-Field (Get-Field $spec 'ldap') 'domainName'
if (-not $domain) { throw "$File has no ldap.domainName" }
$place = '{0}/vcf/{1}/v1/identity-providers/embedded/identity-sources/{2}' -f $Url.TrimEnd('/'), [Uri]::EscapeDataString($Target), [Uri]::EscapeDataString($domain)
$query = if ($PSCmdlet.ShouldProcess($domain, 'change the identity source')) { '' } else { '?dryRun=true' }

if ($Rotate) {
    # Only if the source is still as read here.
    $present = Invoke-Idhook 'GET' $place $null ''
    $outcome = Invoke-Idhook 'POST' "$place/credentials$query" @{ password = $env:LDAP_PASSWORD } $present.etag
} else {
    $spec.ldap | Add-Member -NotePropertyName password -NotePropertyValue $env:LDAP_PASSWORD -Force
    $outcome = Invoke-Idhook 'PUT' "$place$query" $spec ''
}
# Something else at idhook's address may answer with a page.
if ((Get-Field $outcome 'outcome') -notin 'created', 'updated', 'unchanged') { throw "the answer is not idhook's, check the address: $outcome" }
if ((Get-Field $outcome 'verified') -eq $false) {
    throw "SDDC Manager accepted the change, but does not show it: $(ConvertTo-Json $outcome -Compress -Depth 10)"
}
$outcome
