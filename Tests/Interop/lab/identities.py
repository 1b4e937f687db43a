"""The two chains of trust between controller and agents, and the certificates of tenants, made by openssl."""

from lab.commands import run


def authority(directory, name):
    """Makes a CA; returns the paths of certificate and key."""
    certificate, key = directory / f"{name}.pem", directory / f"{name}.key"
    run("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", 3650, "-subj", f"/CN={name}",
        "-keyout", key, "-out", certificate)
    return certificate, key


def issue(directory, issuer, name, dns=None):
    """Issues a certificate; returns the texts of certificate and key."""
    request, certificate, key = (directory / f"{name}.{suffix}" for suffix in ("csr", "crt", "pk"))
    extensions = directory / f"{name}.ext"
    extensions.write_text(f"subjectAltName=DNS:{dns or name}\nextendedKeyUsage=serverAuth,clientAuth\n")
    run("openssl", "req", "-newkey", "rsa:2048", "-nodes", "-subj", f"/CN={dns or name}",
        "-keyout", key, "-out", request)
    run("openssl", "x509", "-req", "-in", request, "-CA", issuer[0], "-CAkey", issuer[1], "-CAcreateserial",
        "-days", 30, "-extfile", extensions, "-out", certificate)
    return certificate.read_text(), key.read_text()


def revocation_list(directory, issuer, name, revoked=()):
    """Makes a CRL of a CA; `revoked` are the names that certificates were issued under. Returns its text."""
    configuration, result = directory / f"{name}.cnf", directory / f"{name}.crl"
    (directory / f"{name}.index").write_text("")
    configuration.write_text(
        f"[ca]\ndefault_ca = this\n[this]\ndatabase = {directory}/{name}.index\n"
        "default_md = sha256\ndefault_crl_days = 30\n")
    call = ["openssl", "ca", "-config", configuration, "-cert", issuer[0], "-keyfile", issuer[1]]
    for one in revoked:
        run(*call, "-revoke", directory / f"{one}.crt")
    run(*call, "-gencrl", "-out", result)
    return result.read_text()
