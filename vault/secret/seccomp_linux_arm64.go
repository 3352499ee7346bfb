package secret

import "golang.org/x/sys/unix"

const nativeArch = unix.AUDIT_ARCH_AARCH64

// deniedCallsOfArch: arm64 has none of the old calls of amd64.
var deniedCallsOfArch []uint32
