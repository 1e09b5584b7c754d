"""Authorities and certificates, made for a test."""

import datetime
import ipaddress
import os

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

DAY = datetime.timedelta(days=1)


def name_of(text):
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def alternative(host):
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)


class Certificate:
    def __init__(self, key, certificate):
        self.key = key
        self.certificate = certificate

    def pem(self):
        return self.certificate.public_bytes(serialization.Encoding.PEM)

    def der(self):
        return self.certificate.public_bytes(serialization.Encoding.DER)

    def key_pem(self, password=None):
        encryption = serialization.NoEncryption() if password is None else \
            serialization.BestAvailableEncryption(password.encode())
        return self.key.private_bytes(serialization.Encoding.PEM,
                                      serialization.PrivateFormat.PKCS8,
                                      encryption)


def issue(subject, issuer=None, hosts=(), since=-2, until=365):
    """A certificate, of its own if no issuer signs it; days from now."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    now = datetime.datetime.utcnow()
    builder = (x509.CertificateBuilder()
               .subject_name(name_of(subject))
               .issuer_name(issuer.certificate.subject if issuer
                            else name_of(subject))
               .public_key(key.public_key())
               .serial_number(x509.random_serial_number())
               .not_valid_before(now + since * DAY)
               .not_valid_after(now + until * DAY)
               .add_extension(x509.BasicConstraints(issuer is None, None),
                              critical=True))
    if hosts:
        builder = builder.add_extension(x509.SubjectAlternativeName(
            [alternative(host) for host in hosts]), critical=False)
    certificate = builder.sign(issuer.key if issuer else key, hashes.SHA256())
    return Certificate(key, certificate)


def write(directory, name, *parts):
    """The path of a file that holds the parts."""
    path = os.path.join(str(directory), name)
    with open(path, "wb") as file:
        file.write(b"".join(parts))
    os.chmod(path, 0o600)
    return path
