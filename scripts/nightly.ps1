# The nightly training on Windows: says which mode holds, then runs the job to its end. See scripts/nightly.
# Untested: no PowerShell was at hand where this was written.
param([string]$Job = "train")
$ErrorActionPreference = "Stop"
$mode = ((quarterdeck mode show | Select-Object -First 1) -split ":")[0]
if ($mode -notin @("standard", "native_sync", "wsl_sync")) { Write-Error "nightly: the mode cannot be read: '$mode'"; exit 4 }
if ($mode -eq "wsl_sync" -and -not (Get-Command wsl.exe -ErrorAction SilentlyContinue)) { Write-Error "nightly: mode wsl_sync needs wsl.exe"; exit 4 }
Write-Output "nightly: $Job, mode $mode"
quarterdeck jobs run $Job --wait --yes
exit $LASTEXITCODE
