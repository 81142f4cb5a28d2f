"""Addresses of databases: read as they were meant, or refused without a piece of the password."""

from pathlib import Path
from urllib.parse import quote

import pytest

from db import Store, StoreUnreachable
from db.address import parse_url, shown, sqlite_url, without_secrets

PASSWORDS = [
    "pa@ss",
    "pa:ss",
    "pa/ss",
    "pa#ss",
    "pa?ss",
    "pa%ss",
    "p@ss%w:rd/#1?",
    "p@x:1/y",
    "%40@",
    "a@b@c",
    "@@",
    "p ss+",
]
NAMES = ["a%20b", "a b", "a+b", "a?b", "a#b", "a@b:c", "ä", "100%", "a&b=c", "~", "[x]"]


@pytest.mark.parametrize("name", NAMES)
def test_a_store_lies_in_the_folder_that_was_named_whatever_its_name(tmp_path: Path, name: str) -> None:
    file = tmp_path / name / "neq.db"
    Store.open(sqlite_url(file)).close()
    assert file.is_file()
    assert [each.name for each in tmp_path.iterdir()] == [name]


@pytest.mark.parametrize("password", PASSWORDS)
def test_a_percent_encoded_password_is_read_and_never_shown(password: str) -> None:
    url = parse_url(f"postgresql://ana:{quote(password, safe='')}@db.example:5433/neq")
    assert (url.username, url.password, url.host, url.port, url.database) == (
        "ana",
        password,
        "db.example",
        5433,
        "neq",
    )
    assert shown(url) == "postgresql+psycopg://ana:***@db.example:5433/neq"


@pytest.mark.parametrize("password", PASSWORDS)
def test_a_password_as_typed_is_read_right_or_refused_with_the_remedy_and_no_piece_of_it(password: str) -> None:
    try:
        url = parse_url(f"postgresql://ana:{password}@db.example/neq")
    except StoreUnreachable as error:
        assert "%40" in str(error)
        assert password not in str(error) and "ana" not in str(error) and "db.example" not in str(error)
    else:
        assert (url.host, url.database) == ("db.example", "neq")
        assert "@" not in password
        assert password not in shown(url)


@pytest.mark.parametrize(
    "address", ["postgresql://ana:secret/neq", "postgresql://secret@h:port/neq", "postgresql:/u:secret@h"]
)
def test_an_address_that_cannot_be_read_is_not_repeated(address: str) -> None:
    with pytest.raises(StoreUnreachable, match="percent-encoded") as caught:
        parse_url(address)
    assert "secret" not in str(caught.value)
    assert caught.value.__cause__ is None


def test_a_password_among_an_address_s_options_is_not_shown_either() -> None:
    url = parse_url("postgresql:///neq?host=/tmp&user=ana&password=hidden1&sslpassword=hidden2&sslmode=require")
    assert "hidden" not in shown(url)
    assert "sslmode=require" in shown(url)
    assert without_secrets("option hidden2 of hidden1", url) == "option *** of ***"


def test_a_home_is_found_in_an_address(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    Store.open("sqlite:///~/deep/neq.db").close()
    assert (tmp_path / "deep" / "neq.db").is_file()
    with pytest.raises(StoreUnreachable, match="no such user's home"):
        parse_url("sqlite:///~nobody-of-this-name/neq.db")


@pytest.mark.parametrize("address", ["sqlite://data/neq.db", "sqlite://u:secret@h/neq.db"])
def test_sqlite_with_two_slashes_is_refused_since_its_folder_would_be_taken_for_a_host(address: str) -> None:
    with pytest.raises(StoreUnreachable, match="three slashes") as caught:
        parse_url(address)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("address", "told"),
    [
        ("sqlite:///file:{0}/neq.db", "is an address: write the path alone"),
        ("sqlite:///file:{0}/neq.db?uri=true", "is an address"),
        ("sqlite:///file:///{0}/a%2520b.db?uri=true", "is an address"),
        ("sqlite:///file:{0}/neq.db?mode=ro&uri=true", "Take mode=ro&uri=true out of its address"),
        ("sqlite:///FILE:neq.db", "is an address"),
        ("sqlite:///s3://bucket/neq.db", "is an address"),
        ("sqlite:///file::memory:?uri=true", "a store in memory"),
        ("sqlite:///file:x?mode=memory&cache=shared&uri=true", "a store in memory"),
        ("sqlite:///:memory:", "a store in memory"),
        ("sqlite:///C:/data/neq.db", "is a path of Windows"),
        ("sqlite:///c:\\data\\neq.db", "is a path of Windows"),
        ("sqlite:///\\\\server\\share\\neq.db", "is a path of Windows"),
        ("sqlite:///neq.db?timeout=5", "takes no options: take timeout=5 out"),
        ("sqlite:///neq.db?foo=bar", "take foo=bar out"),
        ("sqlite:///neq.db?password=secret", "take password=*** out"),
        ("sqlite:///folder/", "Name a file in that folder"),
        ("sqlite:///a\0b", "NUL"),
    ],
)
def test_what_is_no_plain_path_is_refused_and_nothing_is_made_of_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, address: str, told: str
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(StoreUnreachable) as caught:
        Store.open(address.format(tmp_path))
    assert told in str(caught.value) and "secret" not in str(caught.value)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("address", ["neq.db", "./file:neq.db", "mode=ro.db", "mode=memory/neq.db", "./C:/neq.db"])
def test_all_that_belongs_to_a_store_lies_beside_it_wherever_the_process_goes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    there, elsewhere = tmp_path / "there", tmp_path / "elsewhere"
    there.mkdir()
    elsewhere.mkdir()
    monkeypatch.chdir(there)
    store = Store.open(f"sqlite:///{address}")
    monkeypatch.chdir(elsewhere)
    store.keep_reserve(1_000)
    assert store.create_run(config={}, epochs_planned=1).state == "queued"
    assert store.changes().wait(0.1) is not None
    assert store.examine(5).problems == ()
    store.close()
    file = there / address
    assert {each.name for each in file.parent.iterdir()} >= {file.name, f"{file.name}.reserve"}
    assert list(elsewhere.iterdir()) == []
