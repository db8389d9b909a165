"""What rclone may read of our environment: credentials and certificates, and no switch of its own."""

from collections.abc import Mapping

_PLAIN = (
    "HOME", "LANG", "LC_ALL", "LOGNAME", "PATH", "TMPDIR", "TZ", "USER", "XDG_CONFIG_HOME",
    "SSL_CERT_DIR", "SSL_CERT_FILE", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY",
    "http_proxy", "https_proxy", "no_proxy",
    "RCLONE_CONFIG", "RCLONE_CONFIG_PASS", "RCLONE_CA_CERT",
)  # fmt: skip
_BEGINNINGS = ("AWS_", "RCLONE_CONFIG_", "RCLONE_S3_")
_DEFAULTS = {"RCLONE_S3_UPLOAD_CUTOFF": "1Gi"}
"""Up to here an object is one request: the store checks its MD5, and nothing half done ever lies there."""


def child_environment(environ: Mapping[str, str]) -> dict[str, str]:
    """``RCLONE_RC``, ``RCLONE_DUMP``, ``RCLONE_NO_CHECK_CERTIFICATE`` and whatever else is not named here stays out:
    a variable is a flag to rclone."""
    kept = {
        name: value
        for name, value in environ.items()
        if name in _PLAIN or name.startswith(_BEGINNINGS)
    }
    return {**_DEFAULTS, **kept}
