# Builds Morgan's images on Windows: runs build-optimized.sh in the Windows Subsystem for Linux.
#   .\build-optimized.ps1 [all|core|llm|tts|stt|cuda|cpu] [no-cache]
# Needs a Debian 12 distribution: wsl --install Debian. $env:WSL_DISTRO chooses another one.
param(
    [ValidateSet('all', 'core', 'llm', 'tts', 'stt', 'cuda', 'cpu')]
    [string]$Target = 'all',
    [ValidateSet('', 'no-cache')]
    [string]$Cache = ''
)
$ErrorActionPreference = 'Stop'

if (-not (Get-Command wsl.exe -ErrorAction SilentlyContinue)) {
    Write-Error 'WSL is not installed. Run "wsl --install Debian" in an administrator shell, then try again.'
}
$distro = if ($env:WSL_DISTRO) { $env:WSL_DISTRO } else { 'Debian' }
$words = @(@($Target, $Cache) | Where-Object { $_ })

# WSLENV hands the variable over to Linux.
$env:WSLENV = (@($env:WSLENV, 'BUILDKIT_PROGRESS') | Where-Object { $_ }) -join ':'
wsl.exe --distribution $distro --user root --cd $PSScriptRoot -- ./build-optimized.sh @words
exit $LASTEXITCODE
