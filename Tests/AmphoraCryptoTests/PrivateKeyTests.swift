import AmphoraCrypto
import Testing

@Suite(.enabled(if: OpenSSL.isInstalled, "/usr/bin/openssl is not installed"))
struct PrivateKeyTests {
  let folder: ScratchFolder
  let key: PrivateKey

  init() throws {
    folder = try ScratchFolder()
    key = try TestIdentities.shared.get().leafKey
  }

  @Test func `a made key has the size and exponent asked for`() throws {
    #expect(key.isRSA)
    #expect(key.bitCount == 2048)
    _ = try folder.write(try key.pem(.traditional), "key.pem")
    let text = try OpenSSL.run("rsa", "-in", "key.pem", "-noout", "-text", "-check", in: folder)
    #expect(text.contains("RSA key ok"))
    #expect(text.contains("publicExponent: 65537"))
  }

  @Test(arguments: [
    (PrivateKey.Format.traditional, String?.none, "-----BEGIN RSA PRIVATE KEY-----"),
    (.pkcs8, nil, "-----BEGIN PRIVATE KEY-----"),
    (.traditional, "päss phrase", "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-256-CBC,"),
    (.pkcs8, "päss phrase", "-----BEGIN ENCRYPTED PRIVATE KEY-----"),
  ])
  func `what is written reads back, here and by openssl`(
    format: PrivateKey.Format, passphrase: String?, beginning: String
  ) throws {
    let pem = try key.pem(format, passphrase: passphrase)
    #expect(pem.hasPrefix(beginning))
    #expect(pem.hasSuffix("-----\n"))
    #expect(try PrivateKey(pem: pem.utf8, passphrase: passphrase).hasSamePublicKey(as: key))
    _ = try folder.write(pem, "key.pem")
    try OpenSSL.run("pkey", "-in", "key.pem", "-passin", "pass:\(passphrase ?? "")", "-out", "clear.pem", in: folder)
    #expect(try PrivateKey(pem: folder.read("clear.pem")).hasSamePublicKey(as: key))
  }

  @Test(arguments: [
    ["genrsa", "-out", "key.pem", "2048"],
    ["genrsa", "-traditional", "-out", "key.pem", "2048"],
    ["genrsa", "-aes256", "-traditional", "-passout", "pass:secret", "-out", "key.pem", "2048"],
    ["genrsa", "-aes128", "-passout", "pass:secret", "-out", "key.pem", "2048"],
    ["genrsa", "-des3", "-traditional", "-passout", "pass:secret", "-out", "key.pem", "2048"],
    ["ecparam", "-name", "prime256v1", "-genkey", "-out", "key.pem"],
    ["genpkey", "-algorithm", "ed25519", "-out", "key.pem"],
  ])
  func `keys that openssl wrote are read`(command: [String]) throws {
    try OpenSSL.run(command, in: folder)
    let isEncrypted = command.contains("pass:secret")
    let read = try PrivateKey(pem: folder.read("key.pem"), passphrase: isEncrypted ? "secret" : nil)
    #expect(read.isRSA == (command[0] == "genrsa"))
    // The judge: both write the same public key.
    try OpenSSL.run("pkey", "-in", "key.pem", "-passin", "pass:secret", "-pubout", "-out", "one.pem", in: folder)
    _ = try folder.write(try read.pem(.pkcs8), "again.pem")
    try OpenSSL.run("pkey", "-in", "again.pem", "-pubout", "-out", "two.pem", in: folder)
    #expect(try folder.read("one.pem") == folder.read("two.pem"))
    if isEncrypted {
      #expect { try PrivateKey(pem: folder.read("key.pem")) } throws: {
        ($0 as? CryptoError)?.kind == .passphraseMissing
      }
      #expect {
        try PrivateKey(pem: folder.read("key.pem"), passphrase: "wrong")
      } throws: {
        ($0 as? CryptoError)?.kind == .passphraseWrong
      }
      #expect {
        try PrivateKey(pem: folder.read("key.pem"), passphrase: "")
      } throws: {
        ($0 as? CryptoError)?.kind == .passphraseWrong
      }
    }
  }

  @Test func `an unneeded passphrase does no harm`() throws {
    #expect(try PrivateKey(pem: key.pem(.pkcs8).utf8, passphrase: "unneeded").hasSamePublicKey(as: key))
  }

  @Test(arguments: [
    "", "no key", "-----BEGIN PRIVATE KEY-----\n", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
    "-----BEGIN RSA PRIVATE KEY-----\n!!!\n-----END RSA PRIVATE KEY-----\n",
    "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
    "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END RSA PRIVATE KEY-----\n",
  ])
  func `what is no key is malformed`(text: String) {
    #expect { try PrivateKey(pem: text.utf8) } throws: { ($0 as? CryptoError)?.kind == .malformed }
  }

  @Test func `an empty passphrase encrypts nothing`() {
    #expect(throws: CryptoError.self) { try key.pem(.pkcs8, passphrase: "") }
    #expect(throws: CryptoError.self) { try key.pem(.traditional, passphrase: "") }
  }

  @Test func `an error carries OpenSSL's reasons and not the input`() throws {
    let broken = "-----BEGIN PRIVATE KEY-----\nc2VjcmV0\n-----END PRIVATE KEY-----\n"
    let error = #expect(throws: CryptoError.self) { try PrivateKey(pem: broken.utf8) }
    #expect(error?.stack.isEmpty == false)
    #expect(error?.description.contains("c2VjcmV0") == false)
    #expect(error?.description.contains("read a private key") == true)
  }

  @Test func `a small key cannot be made`() {
    #expect(throws: CryptoError.self) { try PrivateKey.generateRSA(bits: 64) }
  }
}
