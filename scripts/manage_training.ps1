# Thin wrappers over quarterdeck for Windows: . .\scripts\manage_training.ps1, then Switch-Mode wsl_sync, Run-Training.
# Untested: no PowerShell was at hand where this was written.
function Switch-Mode {
    param([Parameter(Mandatory)][ValidateSet("standard", "wsl_sync", "native_sync")][string]$Mode)
    quarterdeck mode set $Mode
}
function Sync-Data {
    param([string]$Job = "sync", [switch]$Plan)
    if ($Plan) { quarterdeck jobs run $Job --dry-run } else { quarterdeck jobs run $Job --wait }
}
function Run-Training {
    param([string]$Job = "train", [switch]$Plan)
    if ($Plan) { quarterdeck jobs run $Job --dry-run } else { quarterdeck jobs run $Job --wait --yes }
}
