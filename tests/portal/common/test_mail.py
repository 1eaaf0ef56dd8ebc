"""Where mail goes."""

from pathlib import Path

from portal.common.mail import mail_config, mail_list, mail_read


def test_a_folder_takes_mail_as_files() -> None:
    config = mail_config("file:///var/hmi/mail")
    assert config.backend.endswith("filebased.EmailBackend")
    assert config.folder == Path("/var/hmi/mail")


def test_an_smtp_server_is_spoken_to_under_tls_when_a_password_is_sent() -> None:
    config = mail_config("smtp://ada:s%40cret@mail.example.com:587")
    assert (config.host, config.port, config.user, config.password) == (
        "mail.example.com",
        587,
        "ada",
        "s@cret",
    )
    assert (config.is_starttls, config.is_ssl) == (True, False)
    assert mail_config("smtp://relay").is_starttls is False
    assert (mail_config("smtps://relay").is_ssl, mail_config("smtps://relay").port) == (True, 465)


def test_only_mail_of_the_folder_is_read(tmp_path: Path) -> None:
    folder = tmp_path / "mail"
    assert mail_list(folder) == []
    folder.mkdir()
    (folder / "1.log").write_text("hello")
    (tmp_path / "secret.log").write_text("no")
    assert [file.name for file in mail_list(folder)] == ["1.log"]
    assert mail_read(folder, "1.log") == "hello"
    assert mail_read(folder, "../secret.log") is None
