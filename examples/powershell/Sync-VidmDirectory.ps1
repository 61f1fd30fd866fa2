<#
.SYNOPSIS
Starts a sync of a directory of vIDM or VCF Operations at idhook, waits until it is final, and fails unless it succeeded and every group is
present.

.DESCRIPTION
Runs in Windows PowerShell 5.1 and in PowerShell 7. The key is read from the environment variable IDHOOK_KEY; its scopes are vidm:read and
vidm:sync, with -AddToProfile vidm:profile too; for VCF Operations fleet:read, fleet:sync and fleet:profile.

Returns the final state of the sync as an object. Otherwise throws: run by powershell -File the exit code is 1.

.PARAMETER Url
Address of idhook: https://idhook.example

.PARAMETER Directory
Id, name or domain of the directory.

.PARAMETER Group
Groups that must be present in the end: distinguished names, or name@domain.

.PARAMETER AddToProfile
First add the groups (distinguished names) to the directory's sync profile.

.PARAMETER Target
Name of the vIDM target in idhook's configuration, or fleet/NAME for VCF Operations.

.PARAMETER TimeoutSeconds
Seconds until the sync must be final.

.EXAMPLE
$env:IDHOOK_KEY = Get-Secret idhook -AsPlainText
.\Sync-VidmDirectory.ps1 -Url https://idhook.example -Directory corp.example -Group 'CN=gg-new,OU=Groups,DC=corp,DC=example'
#>
[CmdletBinding()]
param(
    [Parameter(Mandatory)] [string] $Url,
    [Parameter(Mandatory)] [string] $Directory,
    [string[]] $Group = @(),
    [switch] $AddToProfile,
    [string] $Target = 'default',
    [ValidateRange(0, 86400)] [int] $TimeoutSeconds = 600
)

Set-StrictMode -Version Latest
$ErrorActionPreference = 'Stop'
$ProgressPreference = 'SilentlyContinue'
if (-not $env:IDHOOK_KEY) { throw 'IDHOOK_KEY is not set; set it to a key of idhook' }
# Windows PowerShell on an older Windows offers TLS 1.0 unless it is told otherwise.
[Net.ServicePointManager]::SecurityProtocol = [Net.ServicePointManager]::SecurityProtocol -bor [Net.SecurityProtocolType]::Tls12

$ends = [DateTime]::UtcNow.AddSeconds($TimeoutSeconds)
$kind, $name = @('vidm') + $Target.Split('/') | Select-Object -Last 2
$syncs = '{0}/{1}/{2}/v1/syncs' -f $Url.TrimEnd('/'), [Uri]::EscapeDataString($kind), [Uri]::EscapeDataString($name)

# A property of an object that may not have it.
function Get-Field($Object, [string] $Name) {
    if ($null -ne $Object -and $Object.PSObject.Properties[$Name]) { $Object.$Name }
}

# The failure, its cause and the fix.
function Get-Text([string] $Happened, $Object) {
    @($Happened; 'reason', 'message', 'hint' | ForEach-Object { Get-Field $Object $_ } | Where-Object { $_ }) -join ': '
}

# One request. Returns an object with State (what idhook returned) or with Failure, Retryable and RetryAfter.
function Invoke-Idhook([string] $Method, [string] $Uri, $Body) {
    $wait = [Math]::Max(0, [Math]::Min(20, [int] ($ends - [DateTime]::UtcNow).TotalSeconds))
    $request = @{
        Method = $Method
        Uri = $Uri
        Headers = @{ Authorization = "Bearer $env:IDHOOK_KEY"; Prefer = "wait=$wait"; Accept = 'application/json' }
        TimeoutSec = $wait + 30
        UseBasicParsing = $true
    }
    if ($null -ne $Body) {
        # As bytes: Windows PowerShell sends a text in another encoding than UTF-8.
        $request.Body = [Text.Encoding]::UTF8.GetBytes((ConvertTo-Json $Body -Compress))
        $request.ContentType = 'application/json; charset=utf-8'
    }
    try {
        $response = Invoke-WebRequest @request
        $stream = $response.RawContentStream
        return @{ State = [Text.Encoding]::UTF8.GetString($stream.ToArray()) | ConvertFrom-Json }
    } catch {
        $text = Get-Field $_.ErrorDetails 'Message'
        $answer = Get-Field $_.Exception 'Response'
        if ($null -eq $answer) {
            return @{ Failure = "idhook cannot be reached: $($_.Exception.Message)"; Retryable = $true; RetryAfter = $null }
        }
        if (-not $text -and $answer -is [Net.HttpWebResponse]) {
            # Windows PowerShell keeps the text of some answers in the stream.
            $stream = $answer.GetResponseStream()
            $stream.Position = 0
            $text = (New-Object IO.StreamReader($stream, [Text.Encoding]::UTF8)).ReadToEnd()
        }
        try { $problem = $text | ConvertFrom-Json } catch { $problem = $null }
        $code = Get-Field $problem 'code'
        if (-not $code) {
            $status = [int] $answer.StatusCode
            $start = "$text".Substring(0, [Math]::Min(300, "$text".Length))
            return @{ Failure = "idhook returned ${status}: $start"; Retryable = $status -in 429, 502, 503, 504; RetryAfter = $null }
        }
        $fields = @(Get-Field $problem 'errors') | Where-Object { $_ } | ForEach-Object { "$($_.pointer): $($_.detail)" }
        $parts = @("${code}: $($problem.detail)"; $fields; Get-Field $problem 'hint') | Where-Object { $_ }
        return @{
            Failure = $parts -join '; '
            Retryable = [bool] (Get-Field $problem 'retryable')
            RetryAfter = Get-Field $problem 'retryAfter'
        }
    }
}

# A list stays a list in JSON, also one of a single group.
$order = @{ directory = $Directory; groups = @($Group) }
if ($AddToProfile) { $order.addToProfile = $true }
$answer = Invoke-Idhook 'POST' $syncs $order
if ($answer.ContainsKey('Failure')) { throw $answer.Failure }
$sync = $answer.State

while ($sync.status -ne 'succeeded') {
    if ($sync.status -eq 'failed') { throw (Get-Text 'the sync failed' $sync) }
    $left = ($ends - [DateTime]::UtcNow).TotalSeconds
    if ($left -le 0) { throw (Get-Text "sync_timeout: the sync is still $($sync.status); ask for it at $syncs/$($sync.id)" $sync) }
    $pause = Get-Field $sync 'retryAfter'
    if ($answer.ContainsKey('Failure')) { $pause = $answer.RetryAfter }
    if (-not $pause) { $pause = 2 }
    Start-Sleep -Milliseconds ([int] ([Math]::Min($pause, $left) * 1000))
    $answer = Invoke-Idhook 'GET' "$syncs/$($sync.id)" $null
    if ($answer.ContainsKey('State')) {
        $sync = $answer.State
    } elseif ($answer.Retryable) {
        Write-Verbose "retrying: $($answer.Failure)"
    } else {
        throw $answer.Failure
    }
}

$present = @(Get-Field $sync 'groups') | Where-Object { $_ -and $_.state -eq 'present' } | ForEach-Object { $_.requested }
$absent = @($Group | Where-Object { @($present) -cnotcontains $_ })
if ($absent) { throw (Get-Text "group_absent: the sync succeeded, but these groups are absent: $($absent -join ', ')" $sync) }
$sync
