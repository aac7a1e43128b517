import matplotlib
import pytest
from cells import load

matplotlib.use("agg")  # not MPLBACKEND, which a kernel started from here would inherit


@pytest.fixture(scope="session")
def nb():
    """The module of all definitions of the notebook."""
    return load()
