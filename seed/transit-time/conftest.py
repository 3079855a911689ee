from pathlib import Path

import pytest

from data import CACHE, load, split


def pytest_addoption(parser):
    parser.addoption("--data-cache", type=Path, default=CACHE, help="folder of the data set's archive")


@pytest.fixture(scope="session")
def data_cache(request) -> Path:
    return request.config.getoption("--data-cache").absolute()


@pytest.fixture(scope="session")
def rows(data_cache):
    return load(data_cache)


@pytest.fixture(scope="session")
def parts(rows):
    return split(*rows)
