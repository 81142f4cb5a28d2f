"""Databases that cannot be our store, or only with the right settings: one sentence with the remedy, at the start."""

import re
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from urllib.parse import quote

import psycopg
import pytest

from db import Store, StoreNewer, StoreUnreachable
from db import suitable as suitable_module

PASSWORD = "p@ss%w:rd/#1?"
Sql = Callable[..., None]


@pytest.fixture
def sql(postgres_url: str) -> Sql:
    """Runs statements as the superuser in the test's database, or in another one."""

    def run(*statements: str, database: str | None = None) -> None:
        address = postgres_url if database is None else re.sub(r"/[^/?]+\?", f"/{database}?", postgres_url)
        with psycopg.connect(address, autocommit=True) as connection:
            for statement in statements:
                connection.execute(statement)  # type: ignore[call-overload]

    return run


@pytest.fixture
def user(sql: Sql, postgres_url: str) -> Iterator[str]:
    """The address for a user without rights, whose password has every hard character."""
    sql(f"CREATE ROLE ana LOGIN PASSWORD '{PASSWORD}'", "REVOKE CREATE ON SCHEMA public FROM PUBLIC")
    yield re.sub("//[^@]*@", f"//ana:{quote(PASSWORD, safe='')}@", postgres_url)
    sql("DROP OWNED BY ana CASCADE", "DROP ROLE ana")


def refused(url: str) -> str:
    """What is said of a database that cannot be opened: one line, and no piece of the password."""
    with pytest.raises(StoreUnreachable) as caught:
        Store.open(url)
    said = str(caught.value)
    assert "\n" not in said and len(said) < 600
    assert not any(piece in said for piece in (PASSWORD, quote(PASSWORD, safe=""), "w:rd", "ss%w"))
    return said


def test_a_user_who_may_not_create_tables_is_told_how_to_let_it(user: str) -> None:
    said = refused(user)
    assert "GRANT CREATE" in said and "search_path" in said


def test_a_schema_of_one_s_own_will_do_and_changes_are_heard_in_it(user: str, sql: Sql) -> None:
    sql("CREATE SCHEMA neq AUTHORIZATION ana")
    store = Store.open(f"{user}&options={quote('-csearch_path=neq -c statement_timeout=60000')}")
    changes = store.changes()
    run = store.create_run(name="🐈", config={}, epochs_planned=1)
    assert changes.wait(20)
    assert store.run(run.id).name == "🐈"
    assert store.examine(5).problems == ()
    changes.close()
    store.close()


def test_a_schema_that_is_not_there_is_said(user: str) -> None:
    assert "CREATE SCHEMA" in refused(f"{user}&options=-csearch_path%3Dneq")


def test_a_read_only_database_is_said_when_it_is_opened(postgres_url: str, sql: Sql) -> None:
    Store.open(postgres_url).close()
    name = re.search(r"/([^/?]+)\?", postgres_url)
    assert name
    sql(f"ALTER DATABASE {name[1]} SET default_transaction_read_only = on")
    assert "is read-only. Name the primary server" in refused(postgres_url)


def test_a_database_that_turns_read_only_later_is_said_too(postgres_url: str) -> None:
    store = Store.open(f"{postgres_url}&options=-cdefault_transaction_read_only%3Doff")
    with pytest.raises(StoreUnreachable, match="Name the primary server"), store._database.writing() as connection:
        connection.exec_driver_sql("SET TRANSACTION READ ONLY")
        connection.exec_driver_sql("CREATE TABLE x (y int)")
    store.close()


@pytest.mark.parametrize("encoding", ["LATIN1", "SQL_ASCII"])
def test_a_database_that_does_not_hold_every_character_is_refused(postgres_url: str, sql: Sql, encoding: str) -> None:
    name = f"enc_{encoding.lower()}"
    options = f"ENCODING '{encoding}' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0"
    sql(f"DROP DATABASE IF EXISTS {name}", f"CREATE DATABASE {name} {options}")
    said = refused(re.sub(r"/[^/?]+\?", f"/{name}?", postgres_url))
    assert encoding in said and "ENCODING 'UTF8'" in said


def test_a_client_encoding_of_the_environment_changes_nothing(
    postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PGCLIENTENCODING", "LATIN1")
    store = Store.open(postgres_url)
    run = store.create_run(name="東京 🐈", config={}, epochs_planned=1)
    assert store.run(run.id).name == "東京 🐈"
    assert [found.id for found in store.runs(search="🐈").items] == [run.id]
    store.close()


def test_a_server_that_is_too_old_is_said(postgres_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(suitable_module, "OLDEST_POSTGRESQL", 999)
    assert "999 is the oldest" in refused(postgres_url)


def test_a_database_that_is_not_there_is_said(postgres_url: str) -> None:
    assert "CREATE DATABASE" in refused(re.sub(r"/[^/?]+\?", "/nowhere?", postgres_url))


def test_a_user_that_is_not_there_is_said(postgres_url: str) -> None:
    assert "CREATE ROLE" in refused(re.sub("//[^@]*@", "//nobody@", postgres_url))


def test_no_connection_left_is_said(user: str, sql: Sql) -> None:
    sql("ALTER ROLE ana CONNECTION LIMIT 0")
    assert "Close other connections" in refused(user)


@pytest.mark.parametrize("host", ["nowhere.invalid", "a..b"])
def test_a_host_that_is_not_there_is_no_matter_of_folders(host: str) -> None:
    said = refused(f"postgresql://ana:{quote(PASSWORD, safe='')}@{host}/neq")
    assert "correct the host" in said and "folder" not in said


@pytest.mark.parametrize("option", ["foo=bar", "connect_timeout=soon", "sslmode=perhaps", "port=x"])
def test_an_option_that_is_none_is_said_in_one_line(postgres_url: str, option: str) -> None:
    assert option.partition("=")[0] in refused(f"{postgres_url}&{option}")


@pytest.mark.parametrize("version", ["ae1027a6acf1", "0001"])
def test_another_program_s_alembic_table_is_not_called_newer(url: str, version: str) -> None:
    store = Store.open(url)
    with store._database.writing() as connection:
        for table in ("snapshots", "events"):
            connection.exec_driver_sql(f"DROP TABLE {table}")
        connection.exec_driver_sql(f"UPDATE alembic_version SET version_num = '{version}'")
    store.close()
    with pytest.raises(StoreUnreachable, match="another program's tables") as caught:
        Store.open(url)
    assert not isinstance(caught.value, StoreNewer)


def test_another_program_s_table_of_one_of_our_names_is_said_and_left_alone(url: str) -> None:
    store = Store.open(url)
    with store._database.writing() as connection:
        for table in ("alembic_version", "snapshots", "events", "epochs", "checkpoints", "checkpoints_to_delete"):
            connection.exec_driver_sql(f"DROP TABLE {table}")
    store.close()
    assert "Another program's tables" in refused(url)


def test_a_pooler_that_mixes_sessions_is_named(postgres_url: str) -> None:
    store = Store.open(postgres_url)
    with pytest.raises(StoreUnreachable, match="pool_mode = session"), store._database.reading() as connection:
        connection.exec_driver_sql("EXECUTE prepared_elsewhere")
    store.close()


# ---------------------------------------------------------------- SQLite


def test_a_folder_in_the_file_s_place_is_said(tmp_path: Path) -> None:
    assert "Name a file in that folder" in refused(f"sqlite:///{tmp_path}")


@pytest.mark.parametrize("address", ["file:{0}?mode=ro&uri=true", "{0}?mode=ro", "{0}?immutable=1"])
def test_a_file_opened_for_reading_only_is_said_at_once(tmp_path: Path, address: str) -> None:
    Store.open(f"sqlite:///{tmp_path / 'neq.db'}").close()
    assert "reading only" in refused(f"sqlite:///{address.format(tmp_path / 'neq.db')}")


def test_a_file_that_is_locked_for_good_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("db.database.BUSY_SECONDS", 0.2)
    path = tmp_path / "neq.db"
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("CREATE TABLE t (x)")
        other.execute("BEGIN EXCLUSIVE")
        assert "Another program holds it" in refused(f"sqlite:///{path}")
