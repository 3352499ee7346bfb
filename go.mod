module coldvault

go 1.26.0

// What the binary links, and what for.
require (
	aead.dev/minisign v0.3.0 // the signer: signatures that minisign verifies
	codeberg.org/go-pdf/fpdf v0.12.0 // cards and bundle pages as PDF, without network code
	filippo.io/age v1.3.2 // all encryption; 1.3.2 limits headers and keeps keys out of errors
	filippo.io/edwards25519 v1.2.0 // public keys of extended Ed25519 keys, which crypto/ed25519 has no way to derive
	github.com/alecthomas/kong v1.17.0 // the command line, without network code
	github.com/awnumar/memguard v0.23.0 // locked, guarded pages for secrets
	github.com/blackjack/webcam v0.6.1 // cameras, without network code
	github.com/cloudflare/circl v1.6.5 // BLS12-381 public keys
	github.com/decred/dcrd/dcrec/secp256k1/v4 v4.4.1 // secp256k1 public keys
	github.com/hashicorp/vault v1.21.4 // package shamir alone: splitting of the seeds
	github.com/klauspost/compress v1.20.4 // zstd, for archives that are to be compressed
	github.com/klauspost/reedsolomon v1.14.2 // parity of bundles and of pages
	github.com/landlock-lsm/go-landlock v0.11.0 // file rules of the sandbox, and prctl in every thread without cgo
	github.com/makiuchi-d/gozxing v0.1.1 // binarisers, finder and bit parser for QR codes
	github.com/skip2/go-qrcode v0.0.0-20200617195104-da1b6568686e // QR symbols
	golang.org/x/crypto v0.58.0 // blake2b, sha3, and DER without crypto/x509
	golang.org/x/image v0.47.0 // TIFF and CCITT scans; the Go fonts
	golang.org/x/sys v0.49.0 // fsync of folders, memory limits, process hardening
	golang.org/x/term v0.47.0 // prompts without echo
)

// What the tests link besides.
require (
	github.com/rogpeppe/go-internal v1.16.0 // testscript: the command line, end to end
	github.com/stretchr/testify v1.12.1 // require: checks that stop the test
)

// What those need themselves.
require (
	filippo.io/hpke v0.4.0 // indirect; age
	filippo.io/nistec v0.0.4 // indirect; the age program, never in the binary
	github.com/awnumar/memcall v0.4.0 // indirect; memguard
	github.com/klauspost/cpuid/v2 v2.3.0 // indirect; reedsolomon
	go.yaml.in/yaml/v3 v3.0.5 // indirect; testify, in tests alone
	golang.org/x/text v0.43.0 // indirect; gozxing asks for an older one
	golang.org/x/tools v0.51.0 // indirect; go-internal
	golang.org/x/xerrors v0.0.0-20240903120638-7835f813f4da // indirect; gozxing asks for an older one
	kernel.org/pub/linux/libs/security/libcap/psx v1.2.77 // indirect; go-landlock
)

// The stock program that proves that bundles open without coldvault.
tool filippo.io/age/cmd/age
