"""Where a Python that is new enough may be on a node, as a shell there looks for it.

Standard library only, Python 3.9.
"""

LEAST_PYTHON = (3, 9)
NONE_FITS = b"quarterdeck-no-python"  # what the shell says where none is

INTERPRETERS = (
    "python3",
    *(f"python3.{minor}" for minor in range(14, LEAST_PYTHON[1] - 1, -1)),
    "/usr/bin/python3",
    "/usr/local/bin/python3",
    "/opt/conda/bin/python3",
    *(
        f'"$HOME"/{place}/bin/python3'
        for place in (".venv", "miniconda3", "miniforge3", "mambaforge", "anaconda3")
    ),
    '"$HOME"/.pyenv/versions/*/bin/python3',
    '"$HOME"/.local/share/uv/python/*/bin/python3',
)
