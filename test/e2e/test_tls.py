"""TLS between a worker and its source: modes, authorities, names, files.

The server's certificate is replaced while it runs, so that one server serves
all tests.
"""

import os
import shutil
import socket
import subprocess
import threading

import psycopg2
import pytest

from support.certificates import issue, write
from support.process import run
from support.source import FLAVORS, Database

HOSTS = ("127.0.0.1", "localhost")
VERIFYING = ["verify_ca", "verify_identity"]
ENCRYPTED = ["preferred", "required"] + VERIFYING


class Authority:
    """An authority, its file, and what it signed."""

    def __init__(self, directory):
        self.directory = directory
        self.own = issue("Test CA")
        self.file = write(directory, "ca.pem", self.own.pem())
        self.other = write(directory, "other.pem", issue("Other CA").pem())

    def server(self, *hosts, **validity):
        """Install a certificate for the server; gives its options."""
        made = issue("server.invalid", self.own, hosts, **validity)
        return ["--ssl-ca=" + self.file,
                "--ssl-cert=" + write(self.directory, "server.pem",
                                      made.pem()),
                "--ssl-key=" + write(self.directory, "server.key",
                                     made.key_pem())]

    def client(self, name="client.pem", password=None, issuer=None):
        made = issue("client", issuer or self.own)
        return write(self.directory, name, made.pem(),
                     made.key_pem(password))


@pytest.fixture(scope="module")
def authority(directory):
    return Authority(directory())


@pytest.fixture(scope="module", params=FLAVORS, ids=lambda f: f.name)
def server(request, start_source, authority):
    return start_source(request.param, *authority.server(*HOSTS))


@pytest.fixture
def certify(server, authority):
    """Gives the server another certificate."""
    reload = ("FLUSH SSL" if server.name == "mariadb"
              else "ALTER INSTANCE RELOAD TLS")

    def change(*hosts, **validity):
        if validity and server.name == "mysql":
            pytest.skip("MySQL does not load an expired certificate")
        authority.server(*hosts, **validity)
        server.execute(reload)
    yield change
    change(*HOSTS)


@pytest.fixture
def require(server):
    """What the server asks of the user's connections."""
    def change(what):
        server.execute("ALTER USER 'mysqluser'@'%%' REQUIRE %s" % what)
    yield change
    change("NONE")


@pytest.fixture
def secure(pg, server, connect):
    """Makes a connector with TLS settings."""
    database = Database(server, "tls")
    database.create()
    database.execute("CREATE TABLE t (id INT PRIMARY KEY)",
                     "INSERT INTO t VALUES (1)")

    def make(mode, keystore="null", password="null", truststore="null",
             **arguments):
        connector = connect(pg, database, **arguments)
        pg.query("SELECT synchdb_add_extra_conninfo(%s, %s, %s, %s, %s,"
                 " 'null')", [connector.name, mode, keystore, password,
                              truststore])
        return connector
    yield make
    database.drop()


def works(connector):
    connector.start()
    connector.wait_rows("t", [(1,)])
    return True


def refusal(connector):
    with pytest.raises(psycopg2.Error) as raised:
        connector.start()
    return str(raised.value)


@pytest.mark.parametrize("mode", ENCRYPTED)
def test_modes_that_encrypt(authority, require, secure, mode):
    require("SSL")
    assert works(secure(mode, truststore=authority.file))


def test_disabled_does_not_encrypt(server, require, secure):
    server.execute("FLUSH PRIVILEGES")      # and what is known of passwords
    assert works(secure("disabled"))
    require("SSL")
    assert "could not connect" in refusal(secure("disabled"))


@pytest.mark.parametrize("flavor", FLAVORS, ids=lambda f: f.name)
def test_server_without_tls(pg, start_source, connect, flavor):
    option = ("--skip-ssl" if flavor.name == "mariadb" else
              "--tls-version=")
    server = start_source(flavor, option)
    database = Database(server, "plain")
    database.create()
    database.execute("CREATE TABLE t (id INT PRIMARY KEY)",
                     "INSERT INTO t VALUES (1)")
    for mode in ("preferred", "required"):
        connector = connect(pg, database)
        pg.query("SELECT synchdb_add_extra_conninfo(%s, %s, '', '', '', '')",
                 [connector.name, mode])
        if mode == "preferred":
            assert works(connector)
        else:
            message = refusal(connector)
            assert "TLS" in message or "SSL" in message
        connector.clean()
    server.end()


class Impostor:
    """Answers like a MySQL server without TLS, and asks for the password."""

    host = "127.0.0.1"
    user = "mysqluser"
    password = "mysqlpwd"
    name = "any"
    connector = "mysql"
    GREETING = (b"\x0a8.4.0\0" + b"\1\0\0\0" + b"saltsalt" + b"\0"
                + b"\x09\x82" + b"\xff" + b"\2\0" + b"\x08\0" + b"\x15"
                + bytes(10) + b"saltsaltsalt\0" + b"caching_sha2_password\0")
    SEND_PASSWORD = b"\1\4"

    def __init__(self):
        self.server = self
        self.heard = []
        self.socket = socket.create_server((self.host, 0))
        self.port = self.socket.getsockname()[1]
        self.thread = threading.Thread(target=self.answer, daemon=True)
        self.thread.start()

    def answer(self):
        while True:
            try:
                link, _ = self.socket.accept()
            except OSError:
                return
            with link:
                for number, packet in ((0, self.GREETING),
                                       (2, self.SEND_PASSWORD)):
                    link.sendall(len(packet).to_bytes(3, "little")
                                 + bytes([number]) + packet)
                    self.heard.append(link.recv(10000))

    def end(self):
        self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()
        self.thread.join()


@pytest.mark.parametrize("mode", ["disabled", "preferred", "required"])
def test_password_is_never_sent_in_clear(pg, connect, mode):
    impostor = Impostor()
    connector = connect(pg, impostor)
    pg.query("SELECT synchdb_add_extra_conninfo(%s, %s, '', '', '', '')",
             [connector.name, mode])
    refusal(connector)
    impostor.end()
    heard = b"".join(impostor.heard)
    assert impostor.password.encode() not in heard
    assert (impostor.user.encode() in heard) == (mode != "required")


@pytest.mark.parametrize("host", HOSTS)
def test_identity_by_address_and_by_name(authority, certify, secure, host):
    certify(host)
    assert works(secure("verify_identity", truststore=authority.file,
                        host=host))


@pytest.mark.parametrize("named", [("other.invalid",), ("127.0.0.2",), ()])
def test_certificate_of_another_host(authority, certify, secure, named):
    certify(*named)
    message = refusal(secure("verify_identity", truststore=authority.file))
    assert "could not connect" in message and "certificate" in message.lower()


def test_verify_ca_does_not_ask_for_the_name(authority, certify, secure):
    certify("other.invalid")
    assert works(secure("verify_ca", truststore=authority.file))


@pytest.mark.parametrize("mode", VERIFYING)
def test_unknown_authority(authority, secure, mode):
    message = refusal(secure(mode, truststore=authority.other))
    assert "could not connect" in message and "certificate" in message.lower()


@pytest.mark.parametrize("mode", VERIFYING)
def test_expired_certificate(authority, certify, secure, mode):
    certify(*HOSTS, since=-20, until=-10)
    message = refusal(secure(mode, truststore=authority.file))
    assert "could not connect" in message and "certificate" in message.lower()


def test_required_trusts_whoever_answers(authority, certify, secure):
    certify("other.invalid", since=-20, until=-10)
    assert works(secure("required", truststore=authority.other))


@pytest.mark.parametrize("mode", VERIFYING)
def test_nobody_to_trust(secure, mode):
    assert "needs a truststore" in refusal(secure(mode))


@pytest.mark.parametrize("password", [None, "top secret"])
def test_client_certificate(authority, require, secure, password):
    require("X509")
    keystore = authority.client(password=password)
    assert "could not connect" in refusal(
        secure("verify_identity", truststore=authority.file))
    assert works(secure("verify_identity", keystore, password or "null",
                        authority.file))


def test_client_certificate_of_another_authority(authority, require, secure):
    require("X509")
    keystore = authority.client("foreign.pem", issuer=issue("Stranger"))
    assert "could not connect" in refusal(
        secure("required", keystore, truststore=authority.file))


def test_wrong_password_of_a_key(authority, secure):
    keystore = authority.client("locked.pem", "top secret")
    message = refusal(secure("required", keystore, "wrong"))
    assert "could not connect" in message and "wrong" not in message


def add(secure, *arguments, **more):
    with pytest.raises(psycopg2.Error) as raised:
        secure(*arguments, **more)
    return str(raised.value)


def test_key_that_needs_a_password(authority, secure):
    keystore = authority.client("locked.pem", "top secret")
    assert "is encrypted" in add(secure, "required", keystore)


def test_keystore_without_key(authority, secure):
    assert "has no private key" in add(secure, "required", authority.file)


def test_truststore_without_certificate(authority, tmp_path, secure):
    path = write(tmp_path, "key.pem", issue("x").key_pem())
    assert "has no certificate" in add(secure, "verify_ca", truststore=path)


def test_binary_certificate(authority, tmp_path, secure):
    path = write(tmp_path, "ca.der", authority.own.der())
    message = add(secure, "verify_ca", truststore=path)
    assert "openssl x509 -inform DER -in %s" % path in message


def test_text_that_is_no_pem(tmp_path, secure):
    path = write(tmp_path, "ca.txt", b"trust me")
    assert "unknown format" in add(secure, "verify_ca", truststore=path)


def test_missing_file(pg, tmp_path, secure):
    """May come later, so only the start fails."""
    path = str(tmp_path / "later.pem")
    connector = secure("verify_ca", truststore=path)
    assert 'could not open file "%s"' % path in pg.notices()
    message = refusal(connector)
    assert 'could not open truststore file "%s": No such file' % path in message


def test_unreadable_file(authority, tmp_path, secure):
    path = write(tmp_path, "unreadable.pem", authority.own.pem())
    os.chmod(path, 0)
    connector = secure("verify_ca", truststore=path)
    message = refusal(connector)
    assert 'could not open truststore file "%s": Permission' % path in message


def test_directory(tmp_path, secure):
    assert "not a regular file" in add(secure, "verify_ca",
                                       truststore=str(tmp_path))


@pytest.mark.skipif(shutil.which("keytool") is None or
                    shutil.which("openssl") is None,
                    reason="needs keytool and openssl")
@pytest.mark.parametrize("store", ["JKS", "JCEKS", "PKCS12"])
def test_java_truststore(authority, tmp_path, secure, store):
    """Is refused, and the command in the hint makes it usable."""
    path = str(tmp_path / ("trust." + store.lower()))
    run("keytool", "-importcert", "-noprompt", "-alias", "ca", "-file",
        authority.file, "-keystore", path, "-storetype", store,
        "-storepass", "changeit")
    message = add(secure, "verify_identity", truststore=path)
    command = message.partition("Convert it: ")[2].splitlines()[0]
    command = command.replace("-destkeystore", "-srcstorepass changeit"
                              " -deststorepass changeit -destkeystore")
    command = command.replace("-nokeys", "-nokeys -passin pass:changeit")
    subprocess.run(command, shell=True, check=True)
    assert works(secure("verify_identity", truststore=path + ".pem"))


def test_files_of_the_server_need_the_right(pg, authority, secure):
    """Who may name a key file of the server may pass for its owner."""
    connector = secure("preferred")
    pg.query("CREATE ROLE outsider")
    try:
        pg.query("UPDATE synchdb_conninfo SET data = data ||"
                 " jsonb_build_object('owner', 'outsider', 'ssl_truststore',"
                 " %s) WHERE name = %s", [authority.file, connector.name])
        message = refusal(connector)
        assert "permission denied to use truststore file" in message
    finally:
        connector.delete()
        pg.query("DROP ROLE outsider")
