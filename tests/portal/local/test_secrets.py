import stat
from pathlib import Path

from portal.local.secrets import load_secrets, write_secret


def test_each_secret_is_made_once(tmp_path: Path) -> None:
    assert load_secrets(tmp_path) == load_secrets(tmp_path)


def test_no_two_secrets_are_equal(tmp_path: Path) -> None:
    load_secrets(tmp_path)
    contents = [file.read_text() for file in tmp_path.iterdir()]
    assert len(contents) == len(set(contents)) == 8


def test_only_the_owner_can_read_them(tmp_path: Path) -> None:
    load_secrets(tmp_path)
    assert {stat.S_IMODE(file.stat().st_mode) for file in tmp_path.iterdir()} == {0o600}


def test_a_chosen_operator_password_is_kept(tmp_path: Path) -> None:
    (tmp_path / "operator_password").write_text("chosen by the operator\n")
    assert load_secrets(tmp_path).operator_password == "chosen by the operator"


def test_writing_replaces_what_was_there_and_closes_it_to_others(tmp_path: Path) -> None:
    file = tmp_path / "key"
    file.write_text("old")
    file.chmod(0o644)
    write_secret(file, "new")
    assert (file.read_text(), stat.S_IMODE(file.stat().st_mode)) == ("new\n", 0o600)
    assert list(tmp_path.iterdir()) == [file]


def test_they_do_not_show_in_messages(tmp_path: Path) -> None:
    secrets = load_secrets(tmp_path)
    assert secrets.secret_key not in repr(secrets)
