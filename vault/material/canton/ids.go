package canton

// Ids of the checks.
const (
	// A file is what its name or its first members say: no error page, no torn dump.
	CheckFile = "CANTON-FILE"
	// Every private key in the file is stored under its own fingerprint, beside its
	// own public key.
	CheckKeys = "CANTON-KEYS"
	// Keys in a key management service: the dump is of no use without it.
	CheckKMS = "CANTON-KMS"
	// The private key that the node's id hangs on is there.
	CheckNamespaceKey = "CANTON-NAMESPACE-KEY"
	// The topology has the namespace's root delegation.
	CheckNamespaceRoot = "CANTON-NAMESPACE-ROOT"
	// The keys the node uses now are known, and their private keys are there.
	CheckOwnerKeys = "CANTON-OWNER-KEYS"
	// The node's signing key signed for its own use.
	CheckOwnerProof = "CANTON-OWNER-PROOF"
	// Every signature in the topology is valid.
	CheckSignatures = "CANTON-SIGNATURES"
	// A snapshot has its contracts, its time and its migration.
	CheckSnapshot = "CANTON-SNAPSHOT"
	// The dumps of a super validator are those of its three nodes.
	CheckSVNodes = "CANTON-SV-NODES"
	// What a super validator needs beside its dump is there.
	CheckSVSet = "CANTON-SV-SET"
	// The two halves of the super validator's operator key belong together.
	CheckOperatorKey = "CANTON-SV-OPERATOR-KEY"
	// The two halves of a key in files of its own belong together.
	CheckKeyFiles = "CANTON-KEY-FILES"
	// CometBFT's node key is whole.
	CheckCometNode = "CANTON-COMETBFT-NODE-KEY"
	// CometBFT's validator key is whole, and its address is its own.
	CheckCometValidator = "CANTON-COMETBFT-VALIDATOR-KEY"
	// The last signature in the validator's state is of the validator's key.
	CheckCometState = "CANTON-COMETBFT-STATE"
	// Whether the state is the newest: only the network knows.
	CheckCometNewest = "CANTON-COMETBFT-NEWEST"
	// The genesis is whole, and knows the validator.
	CheckCometGenesis = "CANTON-COMETBFT-GENESIS"
	// Persistent peers are the set's other nodes, and not the node itself.
	CheckCometPeers = "CANTON-COMETBFT-PEERS"
)
