"""Password hashes."""

import unicodedata

import bcrypt
import gevent

from impl.app import App
from impl.services import passwords


def test_a_password_is_its_hash_s_and_no_other_is(app: App) -> None:
    password_hash = passwords.hash_password(app, "correct horse")
    assert password_hash.startswith("$argon2id$")
    assert passwords.is_right(app, "correct horse", password_hash)
    assert not passwords.is_right(app, "battery staple", password_hash)
    assert not passwords.needs_new_hash(password_hash)


def test_where_there_is_no_hash_no_password_is_right(app: App) -> None:
    assert not passwords.is_right(app, "", None)
    assert not passwords.is_right(app, "anything", None)


def test_a_hash_by_bcrypt_is_read_with_the_pepper(app: App) -> None:
    pepper = app.config.password_config.pepper
    imported = bcrypt.hashpw(("correct horse" + pepper).encode(), bcrypt.gensalt(4)).decode()
    assert passwords.is_right(app, "correct horse", imported)
    assert not passwords.is_right(app, "correct house", imported)
    assert passwords.needs_new_hash(imported)


def test_a_hash_that_is_none_lets_nobody_in(app: App) -> None:
    for nonsense in ("", "nonsense", "$2b$nonsense", "$argon2id$nonsense"):
        assert not passwords.is_right(app, "anything", nonsense)


def test_a_letter_is_the_same_however_a_keyboard_composes_it(app: App) -> None:
    composed, decomposed = (unicodedata.normalize(form, "käse") for form in ("NFC", "NFD"))
    assert passwords.is_right(app, decomposed, passwords.hash_password(app, composed))


def test_hashing_does_not_hold_the_other_greenlets_up(app: App) -> None:
    hashing = gevent.spawn(passwords.hash_password, app, "correct horse")
    turns = 0
    while not hashing.ready():
        gevent.sleep(0)
        turns += 1
    assert turns > 10
