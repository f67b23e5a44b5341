"""Authorities and certificates of clients for tests, made with openssl.

    ca = ClientCa(folder)
    pair = ca.client("ada", "email:ada@example.test")   # files: certificates, key
    context.load_cert_chain(*pair)
"""

import subprocess


def openssl(*words):
    subprocess.run(["openssl", *map(str, words)], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


class ClientCa:
    """A root and an intermediate authority that signs for clients."""

    def __init__(self, folder):
        self.dir = folder
        self.count = 0
        folder.mkdir(parents=True)
        self._sign("root", None, "basicConstraints=critical,CA:TRUE")
        self._sign("between", "root", "basicConstraints=critical,CA:TRUE,pathlen:0")
        self.root = folder / "root.pem"
        self.between = folder / "between.pem"

    def _sign(self, name, by, extensions, days=30):
        self.count += 1
        d = self.dir
        openssl("req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout",
                d / f"{name}.key", "-subj", f"/CN={d.name} {name}/emailAddress=common@example.test", "-out",
                d / f"{name}.csr")
        (d / "ext").write_text(extensions + "\nsubjectKeyIdentifier=hash\n")
        signer = ["-CA", d / f"{by}.pem", "-CAkey", d / f"{by}.key"] if by else ["-signkey", d / f"{name}.key"]
        openssl("x509", "-req", "-in", d / f"{name}.csr", *signer, "-days", days, "-set_serial", self.count,
                "-extfile", d / "ext", "-out", d / f"{name}.pem")

    def client(self, name, names=None, by="root", usage="clientAuth", days=30):
        """Certificate (with the intermediate one, if that signed) and key; days 0: it has expired a second later."""
        lines = ["basicConstraints=critical,CA:FALSE", f"extendedKeyUsage={usage}"]
        if names:
            lines.append("subjectAltName=" + names)
        self._sign(name, by, "\n".join(lines), days)
        path = self.dir / f"{name}.pem"
        if by != "root":
            path.write_text(path.read_text() + (self.dir / f"{by}.pem").read_text())
        return path, self.dir / f"{name}.key"
